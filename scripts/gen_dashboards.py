#!/usr/bin/env python3
"""Makes Kibana's dashboards, as saved objects, from their descriptions: export/dashboards/*.yml and decoders/NAME/dashboard.yml.

usage: gen_dashboards.py --list                    the descriptions, one path a line
       gen_dashboards.py --cc OUT.cc FILE.yml...   what is built into the program
       gen_dashboards.py --folder DIR FILE.yml...  DIR/ID.ndjson of each, for a look or for Kibana's own import

A description is {id, title, description, query, panels}. `query` (Lucene, as Kibana gives it to Elasticsearch's query_string) holds for every
panel, besides the panel's own. A panel is {id, kind, title, query, width, height} and, by its kind:
  number     metrics
  line, bars metrics over time; split: a term's field, a line or a colour each; per: second shows counts and sums by the second
  pie        split
  ranking    horizontal bars: metrics and split
  table      metrics and rows, the fields of its first columns
  documents  columns
  text       text, Markdown; {dashboards} in it becomes links to all dashboards
A metric is count, or {count|sum|average|max|unique|percentiles: FIELD, label: TEXT}; the first one orders. A split or row is a field, or
{field, size, label}. Panels stand from left to right in 48 columns.

The objects have the form of Kibana 7.10, which later ones bring up to date when they import it: visualizations with aggregations, and saved searches.
"""
import argparse
import glob
import json
import os
import re
import sys

import yaml

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
PATTERN = "packetbeat-*"
# Width and height that a panel has when it names none.
SIZES = {"number": (12, 7), "line": (24, 13), "bars": (24, 13), "pie": (16, 13), "ranking": (24, 13), "table": (24, 15), "documents": (48, 16),
         "text": (48, 4)}
NEEDS = {"number": {"metrics"}, "line": {"metrics"}, "bars": {"metrics"}, "pie": {"split"}, "ranking": {"metrics", "split"},
         "table": {"metrics", "rows"}, "documents": {"columns"}, "text": {"text"}}
MAY = {"line": {"split", "per"}, "bars": {"split", "per"}, "pie": {"metrics"}}
METRICS = {"count": "count", "sum": "sum", "average": "avg", "max": "max", "unique": "cardinality", "percentiles": "percentiles"}
PERCENTS = [50, 95, 99]


class Wrong(Exception):
    pass


def checked(path, description):
    """The description, if nothing in it is misspelt."""
    def want(condition, text):
        if not condition:
            raise Wrong("%s: %s" % (path, text))
    want(set(description) <= {"id", "title", "description", "query", "panels"}, "a dashboard has id, title, description, query and panels")
    want(description["id"].startswith("spanbeat-"), "the id has to begin with spanbeat-")
    for panel in description["panels"]:
        name, kind = panel.get("id"), panel.get("kind")
        want(name and kind in SIZES, "%s: a panel needs an id and a kind of %s" % (name, ", ".join(SIZES)))
        own = set(panel) - {"id", "kind", "title", "query", "width", "height"}
        want(own >= NEEDS[kind], "%s: needs %s" % (name, ", ".join(sorted(NEEDS[kind]))))
        want(own <= NEEDS[kind] | MAY.get(kind, set()), "%s: does not know %s" % (name, ", ".join(sorted(own - NEEDS[kind] - MAY.get(kind, set())))))
        want(panel.get("title") or kind == "text", "%s: needs a title" % name)
        want(panel.get("per", "second") == "second", "%s: per is second" % name)
    ids = [panel["id"] for panel in description["panels"]]
    want(len(set(ids)) == len(ids), "two panels have one id")
    return description


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def source(query, **more):
    """Where a panel's documents come from; the index pattern is a reference."""
    return compact(dict({"query": {"query": query, "language": "lucene"}, "filter": []}, **more))


def metric(number, given):
    given = {given: None} if isinstance(given, str) else dict(given)
    params = {"customLabel": given.pop("label")} if "label" in given else {}
    (name, field), = given.items()
    if field is not None:
        params["field"] = field
    if name == "percentiles":
        params["percents"] = PERCENTS
    return {"id": str(number), "enabled": True, "type": METRICS[name], "schema": "metric", "params": params}


def terms(number, given, schema, ordered_by):
    given = {"field": given} if isinstance(given, str) else given
    params = {"field": given["field"], "size": given.get("size", 10), "order": "asc" if ordered_by == "_key" else "desc", "orderBy": ordered_by,
              "otherBucket": False, "otherBucketLabel": "Other", "missingBucket": False, "missingBucketLabel": "Missing"}
    if "label" in given:
        params["customLabel"] = given["label"]
    return {"id": str(number), "enabled": True, "type": "terms", "schema": schema, "params": params}


def over_time(number, by_the_second):
    """Kibana widens the interval when there would be too many points, and divides by it again when it is told to."""
    return {"id": str(number), "enabled": True, "type": "date_histogram", "schema": "segment",
            "params": {"field": "@timestamp", "useNormalizedEsInterval": True, "scaleMetricValues": by_the_second, "interval": "s" if by_the_second else "auto",
                       "drop_partials": False, "min_doc_count": 1, "extended_bounds": {}}}


def aggregations(panel):
    kind = panel["kind"]
    metrics = [metric(i + 1, given) for i, given in enumerate(panel.get("metrics", ["count"]))]
    # Terms cannot be ordered by a metric that is several numbers.
    ordered_by = "_key" if metrics[0]["type"] == "percentiles" else "1"
    buckets = []
    if kind in ("line", "bars"):
        buckets.append(over_time(len(metrics) + 1, panel.get("per") == "second"))
        if "split" in panel:
            buckets.append(terms(len(metrics) + 2, panel["split"], "group", ordered_by))
    elif kind in ("pie", "ranking"):
        buckets.append(terms(len(metrics) + 1, panel["split"], "segment", ordered_by))
    elif kind == "table":
        buckets = [terms(len(metrics) + 1 + i, row, "bucket", ordered_by) for i, row in enumerate(panel["rows"])]
    return metrics + buckets


def axes(panel, metrics):
    """How a chart with two axes is drawn."""
    shape = {"line": "line", "bars": "histogram", "ranking": "histogram"}[panel["kind"]]
    sideways = panel["kind"] == "ranking"

    def label(one):
        if "customLabel" in one["params"]:
            return one["params"]["customLabel"]
        return "Count" if one["type"] == "count" else "%s of %s" % (one["type"], one["params"]["field"])
    title = label(metrics[0]) + (" a second" if panel.get("per") else "")
    return {
        "type": "horizontal_bar" if sideways else shape,
        "grid": {"categoryLines": False},
        "categoryAxes": [{"id": "CategoryAxis-1", "type": "category", "position": "left" if sideways else "bottom", "show": True, "style": {},
                          "scale": {"type": "linear"}, "labels": {"show": True, "filter": not sideways, "truncate": 100}, "title": {}}],
        "valueAxes": [{"id": "ValueAxis-1", "name": "BottomAxis-1" if sideways else "LeftAxis-1", "type": "value",
                       "position": "bottom" if sideways else "left", "show": True, "style": {}, "scale": {"type": "linear", "mode": "normal"},
                       "labels": {"show": True, "rotate": 0, "filter": sideways, "truncate": 100}, "title": {"text": title}}],
        "seriesParams": [{"show": True, "type": shape, "mode": "stacked" if panel["kind"] == "bars" else "normal", "data": {"label": label(one), "id": one["id"]},
                          "valueAxis": "ValueAxis-1", "drawLinesBetweenPoints": True, "lineWidth": 2, "interpolate": "linear", "showCircles": True}
                         for one in metrics],
        "fittingFunction": "zero", "addTooltip": True, "addLegend": not sideways, "legendPosition": "right", "times": [], "addTimeMarker": False,
        "labels": {"show": False}, "thresholdLine": {"show": False, "value": 10, "width": 1, "style": "full", "color": "#E7664C"},
    }


def appearance(panel, metrics):
    kind = panel["kind"]
    if kind == "number":
        return "metric", {"type": "metric", "addTooltip": True, "addLegend": False, "metric": {
            "percentageMode": False, "useRanges": False, "colorSchema": "Green to Red", "metricColorMode": "None", "colorsRange": [{"from": 0, "to": 10000}],
            "labels": {"show": True}, "invertColors": False,
            "style": {"bgFill": "#000", "bgColor": False, "labelColor": False, "subText": "", "fontSize": 32}}}
    if kind == "pie":
        return "pie", {"type": "pie", "addTooltip": True, "addLegend": True, "legendPosition": "right", "isDonut": True,
                       "labels": {"show": True, "values": True, "last_level": True, "truncate": 100}}
    if kind == "table":
        return "table", {"perPage": 10, "showPartialRows": False, "showMetricsAtAllLevels": False, "showTotal": False, "totalFunc": "sum",
                         "percentageCol": "", "sort": {"columnIndex": None, "direction": None}}
    look = axes(panel, metrics)
    return look["type"], look


def saved(kind, name, attributes, references, version):
    return {"attributes": attributes, "id": name, "migrationVersion": {kind: version}, "references": references, "type": kind}


def panel_object(dashboard, panel, links):
    name = dashboard["id"] + "-" + panel["id"]
    title = "[spanbeat] %s: %s" % (dashboard["title"], panel["title"]) if panel.get("title") else name
    if panel["kind"] == "text":
        state = {"title": title, "type": "markdown", "aggs": [],
                 "params": {"fontSize": 12, "openLinksInNewTab": False, "markdown": panel["text"].replace("{dashboards}", links)}}
        return saved("visualization", name, {"title": title, "description": "", "version": 1, "uiStateJSON": "{}", "visState": compact(state),
                                             "kibanaSavedObjectMeta": {"searchSourceJSON": source("")}}, [], "7.10.0")
    parts = [q for q in (dashboard.get("query"), panel.get("query")) if q]
    query = " AND ".join("(%s)" % q for q in parts) if len(parts) > 1 else "".join(parts)
    reference = "kibanaSavedObjectMeta.searchSourceJSON.index"
    references = [{"id": PATTERN, "name": reference, "type": "index-pattern"}]
    if panel["kind"] == "documents":
        return saved("search", name, {"title": title, "description": "", "version": 1, "hits": 0, "columns": panel["columns"], "sort": [["@timestamp", "desc"]],
                                      "kibanaSavedObjectMeta": {"searchSourceJSON": source(query, indexRefName=reference, highlightAll=True, version=True)}},
                     references, "7.9.3")
    aggs = aggregations(panel)
    kind, look = appearance(panel, [a for a in aggs if a["schema"] == "metric"])
    state = {"title": title, "type": kind, "aggs": aggs, "params": look}
    return saved("visualization", name, {"title": title, "description": "", "version": 1, "uiStateJSON": "{}", "visState": compact(state),
                                         "kibanaSavedObjectMeta": {"searchSourceJSON": source(query, indexRefName=reference)}}, references, "7.10.0")


def objects(dashboard, links):
    """The dashboard's panels and then itself."""
    made, placed, references = [], [], []
    x = y = row = 0
    for number, panel in enumerate(dashboard["panels"]):
        one = panel_object(dashboard, panel, links)
        made.append(one)
        width, height = (panel.get(word, size) for word, size in zip(("width", "height"), SIZES[panel["kind"]]))
        if x + width > 48:
            x, y, row = 0, y + row, 0
        place = {"x": x, "y": y, "w": width, "h": height, "i": panel["id"]}
        x, row = x + width, max(row, height)
        placed.append({"version": "7.10.0", "gridData": place, "panelIndex": panel["id"], "panelRefName": "panel_%d" % number, "title": panel.get("title", ""),
                       "embeddableConfig": {"title": panel.get("title", ""), "hidePanelTitles": panel["kind"] == "text"}})
        references.append({"id": one["id"], "name": "panel_%d" % number, "type": one["type"]})
    attributes = {"title": "[spanbeat] " + dashboard["title"], "description": dashboard["description"], "hits": 0, "version": 1, "timeRestore": False,
                  "optionsJSON": compact({"useMargins": True, "hidePanelTitles": False}), "panelsJSON": compact(placed),
                  "kibanaSavedObjectMeta": {"searchSourceJSON": compact({"query": {"query": "", "language": "kuery"}, "filter": []})}}
    return made + [saved("dashboard", dashboard["id"], attributes, references, "7.9.3")]


def load(paths):
    """Every dashboard: its id, its title, and its objects as lines of JSON."""
    given = []
    for path in paths:
        with open(path, encoding="utf-8") as f:
            given.append(checked(path, yaml.safe_load(f)))
    given.sort(key=lambda one: (one["id"] != "spanbeat-overview", one["title"]))
    links = " | ".join("[%s](#/view/%s)" % (one["title"], one["id"]) for one in given)
    return [(one["id"], one["title"], "".join(json.dumps(o, separators=(",", ":"), sort_keys=True) + "\n" for o in objects(one, links))) for one in given]


def raw_string(text):
    """In pieces, as compilers bound the length of one."""
    return "\n".join('     R"~(%s)~"' % text[i:i + 8000] for i in range(0, len(text), 8000))


def sources():
    """The descriptions: those of several protocols, and those of the decoders that are built."""
    with open(os.path.join(ROOT, "decoders/registry.def"), encoding="utf-8") as f:
        decoders = re.findall(r"^SPANBEAT_DECODER\((\w+)", f.read(), re.M)
    found = sorted(glob.glob(os.path.join(ROOT, "export/dashboards/*.yml")))
    return found + [p for p in (os.path.join(ROOT, "decoders", name, "dashboard.yml") for name in decoders) if os.path.exists(p)]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--list", action="store_true")
    arguments.add_argument("--cc")
    arguments.add_argument("--folder")
    arguments.add_argument("files", nargs="*")
    given = arguments.parse_args()
    if given.list:
        print("\n".join(os.path.relpath(path, ROOT) for path in sources()))
        return
    try:
        made = load(given.files)
    except Wrong as wrong:
        sys.exit(str(wrong))
    if given.folder:
        os.makedirs(given.folder, exist_ok=True)
        for name, _, text in made:
            with open(os.path.join(given.folder, name + ".ndjson"), "w", encoding="utf-8") as out:
                out.write(text)
    if given.cc:
        with open(given.cc, "w", encoding="utf-8") as out:
            out.write("// Made by scripts/gen_dashboards.py from the descriptions of the dashboards. Do not edit.\n")
            out.write('#include "export/kibana/built_in.h"\n\nnamespace spanbeat {\nnamespace {\n\nconstexpr BuiltInDashboard kDashboards[] = {\n')
            for name, title, text in made:
                out.write('    {"%s", R"~(%s)~",\n%s},\n' % (name, title, raw_string(text)))
            out.write("};\n\n}  // namespace\n\nstd::span<const BuiltInDashboard> built_in_dashboards() { return kDashboards; }\n\n}  // namespace spanbeat\n")


if __name__ == "__main__":
    main()
