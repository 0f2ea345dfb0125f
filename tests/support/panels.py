"""Kibana's saved objects, read as Kibana reads them: which fields a panel uses, and what it asks Elasticsearch for."""
import json
import re


def objects_of(ndjson):
    return [json.loads(line) for line in ndjson.splitlines() if line.strip()]


class Panel:
    """A visualization with aggregations, or a saved search."""

    def __init__(self, one):
        self.id, self.type, self.references = one["id"], one["type"], one["references"]
        attributes = one["attributes"]
        self.title = attributes["title"]
        self.source = json.loads(attributes["kibanaSavedObjectMeta"]["searchSourceJSON"])
        self.query = self.source["query"]["query"]
        self.state = json.loads(attributes["visState"]) if "visState" in attributes else {"type": "search", "aggs": []}
        self.aggs = self.state["aggs"]
        self.metrics = [a for a in self.aggs if a["schema"] == "metric"]
        self.buckets = [a for a in self.aggs if a["schema"] != "metric"]
        self.columns = attributes.get("columns", [])
        self.sort = [name for name, _ in attributes.get("sort", [])]

    @property
    def is_text(self):
        return self.state["type"] == "markdown"

    @property
    def grouped_by(self):
        """Fields whose values become buckets, or columns."""
        return [a["params"]["field"] for a in self.buckets]

    def fields(self):
        """Every field that the panel names, those of its query too."""
        return set(self.grouped_by + [a["params"]["field"] for a in self.metrics if "field" in a["params"]] + self.columns + self.sort +
                   re.findall(r"_exists_:([\w.-]+)", self.query) + [n for n in re.findall(r"([\w.@-]+):", self.query) if n != "_exists_"])

    def request(self, interval="1s"):
        """The body of _search. Lucene's syntax goes to query_string, and aggregations are put into each other, as Kibana does it."""
        query = {"query_string": {"query": self.query, "analyze_wildcard": True}} if self.query else {"match_all": {}}
        if self.type == "search":
            return {"size": 500, "query": query, "sort": [{name: "desc"} for name in self.sort]}
        counted = {a["id"] for a in self.metrics if a["type"] == "count"}
        metrics = {a["id"]: elastic(a, interval, counted) for a in self.metrics if a["type"] != "count"}
        inner = metrics
        for bucket in reversed(self.buckets):
            one = elastic(bucket, interval, counted)
            if inner or metrics:
                one["aggs"] = dict(metrics, **inner)
            inner = {bucket["id"]: one}
        return {"size": 0, "track_total_hits": True, "query": query, "aggs": inner}

    def rows(self, answer):
        """The answer as rows of (key of each bucket), {metric's id: value}; without buckets one row."""
        found = []

        def walk(level, buckets, keys):
            if not buckets:
                found.append((keys, {a["id"]: level["doc_count"] if a["type"] == "count" else value(level[a["id"]]) for a in self.metrics}))
                return
            for one in level[buckets[0]["id"]]["buckets"]:
                walk(one, buckets[1:], keys + (one.get("key_as_string", one["key"]),))

        top = dict(answer.get("aggregations", {}), doc_count=answer["hits"]["total"]["value"])
        walk(top, self.buckets, ())
        return found


def value(answer):
    return answer["values"] if "values" in answer else answer["value"]


def elastic(agg, interval, counted):
    params = agg["params"]
    if agg["type"] == "date_histogram":
        return {"date_histogram": {"field": params["field"], "fixed_interval": interval, "min_doc_count": params["min_doc_count"]}}
    if agg["type"] == "terms":
        order = "_count" if params["orderBy"] in counted else params["orderBy"]
        return {"terms": {"field": params["field"], "size": params["size"], "order": {order: params["order"]}}}
    if agg["type"] == "percentiles":
        return {"percentiles": {"field": params["field"], "percents": params["percents"], "keyed": True}}
    return {agg["type"]: {"field": params["field"]}}


# ------------------------------------------------------------------ the same, worked out from the documents themselves

def values_of(document, name):
    """The values of a field as an index has them: several, one or none; too long ones are not indexed."""
    at = document
    for part in name.split("."):
        at = at.get(part) if isinstance(at, dict) else None
    given = at if isinstance(at, list) else [] if at is None else [at]
    return [v for v in given if not (isinstance(v, str) and len(v) > 1024)]


class Query:
    """The part of Lucene's syntax that the panels use: NOT, AND, OR, parentheses, FIELD:VALUE, FIELD:(A OR B), FIELD:>N, _exists_:FIELD."""

    def __init__(self, text):
        self.words = re.findall(r"[()]|[\w.@-]+:(?=\()|[^\s()]+", text)
        self.test = self.any_of() if self.words else lambda _: True
        assert not self.words, self.words

    def any_of(self, field=None):
        parts = [self.all_of(field)]
        while self.words[:1] == ["OR"]:
            self.words.pop(0)
            parts.append(self.all_of(field))
        return lambda d: any(p(d) for p in parts)

    def all_of(self, field):
        parts = [self.one(field)]
        while self.words[:1] == ["AND"]:
            self.words.pop(0)
            parts.append(self.one(field))
        return lambda d: all(p(d) for p in parts)

    def one(self, field):
        word = self.words.pop(0)
        if word == "NOT":
            inner = self.one(field)
            return lambda d: not inner(d)
        if word == "(" or word.endswith(":"):
            if word != "(":
                field = word[:-1]
                self.words.pop(0)
            inner = self.any_of(field)
            assert self.words.pop(0) == ")"
            return inner
        if field is None:
            field, word = word.split(":", 1)
        if field == "_exists_":
            return lambda d: bool(values_of(d, word))
        bound = re.fullmatch(r"(>=|>)(\d+)", word)
        if bound:
            least = int(bound.group(2)) + (bound.group(1) == ">")
            return lambda d: any(v >= least for v in values_of(d, field))
        return lambda d: word in [str(v).lower() if isinstance(v, bool) else str(v) for v in values_of(d, field)]


def expected_rows(panel, documents):
    """{keys: {metric's id: value}} of all buckets, none left out; percentiles are (least, most)."""
    chosen = [d for d in documents if Query(panel.query).test(d)]
    groups = {(): chosen} if not panel.buckets else {}
    for document in chosen if panel.buckets else ():
        keys = [()]
        for bucket in panel.buckets:
            found = values_of(document, bucket["params"]["field"])
            if bucket["type"] == "date_histogram":
                found = [found[0][:19]]
            keys = [k + (v,) for k in keys for v in sorted(set(found), key=str)]
        for key in keys:
            groups.setdefault(key, []).append(document)
    return {key: {m["id"]: metric_of(m, members) for m in panel.metrics} for key, members in groups.items()}


def metric_of(metric, documents):
    kind = metric["type"]
    if kind == "count":
        return len(documents)
    found = [v for d in documents for v in values_of(d, metric["params"]["field"])]
    if kind == "cardinality":
        return len(set(found))
    if kind == "sum":
        return sum(found)
    if not found:
        return None
    return {"max": max(found), "avg": sum(found) / len(found), "percentiles": (min(found), max(found))}[kind]
