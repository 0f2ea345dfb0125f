// Stories about reading configuration: YAML, overrides, several files, ${…}, names that are not known.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "app/config/expand.h"
#include "app/config/known.h"
#include "app/config/load.h"
#include "app/config/merge.h"
#include "app/config/scalars.h"
#include "app/config/yaml_reader.h"
#include "app/config/yaml_writer.h"

namespace spanbeat {
namespace {

Setting yaml(const std::string& text) {
  Setting root;
  Diagnostics diagnostics;
  EXPECT_TRUE(read_yaml(text, "f.yml", root, diagnostics)) << text;
  for (const auto& finding : diagnostics.findings()) ADD_FAILURE() << finding.message;
  return root;
}

std::string yaml_error(const std::string& text) {
  Setting root;
  Diagnostics diagnostics;
  EXPECT_FALSE(read_yaml(text, "f.yml", root, diagnostics)) << text;
  return diagnostics.findings().empty() ? "" : diagnostics.findings()[0].message;
}

std::string all_findings(const Diagnostics& diagnostics) {
  std::string out;
  for (const auto& finding : diagnostics.findings())
    out += (finding.error ? "error: " : "warning: ") + finding.message + "\n";
  return out;
}

std::string expanded(const std::string& text, const std::map<std::string, std::string>& variables = {}) {
  Setting root = yaml(text);
  Diagnostics diagnostics;
  expand_settings(
      root,
      [&](const std::string& name) -> const char* {
        const auto found = variables.find(name);
        return found == variables.end() ? nullptr : found->second.c_str();
      },
      [](const std::string& name, std::string& value) {
        value = "0123";
        return name == "SECRET";
      },
      diagnostics);
  return diagnostics.ok() ? write_yaml(root) : all_findings(diagnostics);
}

class ScratchDirectory {
 public:
  ScratchDirectory() {
    char name[] = "/tmp/spanbeat-config-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~ScratchDirectory() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    const std::string path = path_ + "/" + name;
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

const Environment kNoEnvironment = [](const std::string&) -> const char* { return nullptr; };

TEST(Scalars, AreTypedAsInYaml11) {
  const auto kind = [](std::string_view word) { return plain_scalar(word, {}).kind(); };
  for (const auto* word : {"yes", "On", "TRUE", "y"}) EXPECT_TRUE(plain_scalar(word, {}).boolean()) << word;
  for (const auto* word : {"no", "off", "n", "False"}) {
    EXPECT_EQ(kind(word), Setting::Kind::boolean) << word;
    EXPECT_FALSE(plain_scalar(word, {}).boolean()) << word;
  }
  EXPECT_EQ(kind("~"), Setting::Kind::null);
  EXPECT_EQ(kind("nothing"), Setting::Kind::string);
  EXPECT_EQ(plain_scalar("0x1F", {}).integer(), 31);
  EXPECT_EQ(plain_scalar("017", {}).integer(), 15);
  EXPECT_EQ(plain_scalar("1_000", {}).integer(), 1000);
  EXPECT_EQ(plain_scalar("-9223372036854775808", {}).integer(), INT64_MIN);
  EXPECT_EQ(kind("9223372036854775808"), Setting::Kind::floating);
  EXPECT_EQ(plain_scalar("2.5e2", {}).floating(), 250.0);
  EXPECT_EQ(plain_scalar(".5", {}).floating(), 0.5);
  for (const auto* word : {"10s", "1.2.3.4", "0x", "08", "1e", "-", "+", ".", "e5", "12:30"}) {
    EXPECT_EQ(kind(word), std::string(word) == "08" ? Setting::Kind::floating : Setting::Kind::string) << word;
  }
}

TEST(FlowValues, ReadListsMapsAndWords) {
  const auto read = [](std::string_view text) {
    Setting value;
    std::string problem;
    return parse_flow_value(text, {}, value, problem) ? write_yaml(value) : "problem: " + problem;
  };
  EXPECT_EQ(read("a,b"), "\n- a\n- b\n");
  EXPECT_EQ(read("[1, \"two, three\", [x]]"), "\n- 1\n- two, three\n- \n  - x\n");
  EXPECT_EQ(read("{k: v, 'q': 2, deep: {a: [on]}}"), "deep:\n  a:\n    - true\nk: v\nq: 2\n");
  EXPECT_EQ(read("http://host:9200"), "http://host:9200\n");
  EXPECT_EQ(read(" 10 "), "10\n");
  EXPECT_EQ(read("n"), "\"n\"\n") << "one letter is a text here";
  EXPECT_EQ(read("[a"), "problem: ']' is missing");
  EXPECT_EQ(read("\"a\" b"), "problem: unexpected 'b' behind a value");
  EXPECT_EQ(read(std::string(100, '[')), "problem: nested too deeply");
}

TEST(Yaml, DottedAndNestedKeysAreTheSame) {
  EXPECT_EQ(write_yaml(yaml("a.b.c: 1\na:\n  b.d: 2\na.b: {e: 3}\n")), "a:\n  b:\n    c: 1\n    d: 2\n    e: 3\n");
}

TEST(Yaml, PlacesAreKept) {
  const Setting root = yaml("a:\n  - x\n  - {b.c: 7}\n");
  const Setting* item = root.find("a")->list()[1].find("b.c");
  ASSERT_NE(item, nullptr);
  EXPECT_EQ(item->place.text(), "f.yml:3:11");
  EXPECT_EQ(root.find("a")->place.text(), "f.yml:1:1");
}

TEST(Yaml, QuotedWordsAreTexts) {
  EXPECT_TRUE(yaml("a: '10'").find("a")->is_string());
  EXPECT_TRUE(yaml("a: \"yes\"").find("a")->is_string());
  EXPECT_TRUE(yaml("a: !!str 10").find("a")->is_string());
  EXPECT_EQ(yaml("a: >\n  folded\n  text\n").find("a")->string(), "folded text\n");
}

TEST(Yaml, ABareNIsABooleanAndNoKey) {
  EXPECT_EQ(yaml_error("fields: {n: 1}"),
            "f.yml:1:10: key 'n' is a boolean in YAML 1.1, and a key must be text; write \"n\" in quotes");
  EXPECT_EQ(yaml("fields: {\"n\": 1}").find("fields.n")->integer(), 1);
}

TEST(Yaml, DuplicatesAreRefusedInEverySpelling) {
  EXPECT_EQ(yaml_error("a: 1\nb: 2\na: 3\n"),
            "f.yml:3:1: duplicate key 'a', already written at line 1; remove one of the two");
  EXPECT_NE(yaml_error("a.b: 1\na:\n  b: 2\n").find("duplicate key"), std::string::npos);
  EXPECT_NE(yaml_error("a: 1\na.b: 2\n").find("cannot hold further keys"), std::string::npos);
  EXPECT_EQ(write_yaml(yaml("setup.kibana:\nsetup.kibana.host: h\n")), "setup:\n  kibana:\n    host: h\n")
      << "a null gives way";
}

TEST(Yaml, AnchorsAndMergeKeys) {
  EXPECT_EQ(write_yaml(yaml("base: &b {x: 1, z: 2}\nuse:\n  <<: *b\n  z: 3\ntwo:\n  <<: [{x: 7}, *b]\n")),
            "base:\n  x: 1\n  z: 2\ntwo:\n  x: 7\n  z: 2\nuse:\n  x: 1\n  z: 3\n");
  EXPECT_NE(yaml_error("a: {<<: 3}").find("only a map"), std::string::npos);
}

TEST(Yaml, BombsAndCyclesAreBounded) {
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 10; ++i) {
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) bomb += "*a" + std::to_string(i - 1) + ",";
    bomb += "]\n";
  }
  EXPECT_NE(yaml_error(bomb).find("more than 200000 values"), std::string::npos);
  EXPECT_NE(yaml_error("a: &a [*a]").find("levels deep"), std::string::npos);
  EXPECT_FALSE(yaml_error(std::string(100'000, '[')).empty());
}

TEST(Yaml, DamagedTextsAreReadOrRefusedButDoNoHarm) {
  const std::string whole =
      std::string(builtin_config()) +
      "fields: {a: &x [1, 'two', \"th\\u0072ee\"], b: *x, <<: {c: ${a:${b:d}}}}\n"
      "processors:\n- drop_event.when.and: [{equals.a: 1}, {not.regexp: {b: '^x'}}]\ntext: |\n  block\n";
  std::uint32_t random = 1;
  const auto next = [&random](std::size_t below) {
    random = random * 1664525U + 1013904223U;
    return static_cast<std::size_t>(random >> 8U) % below;
  };
  int read = 0;
  for (int round = 0; round < 2000; ++round) {
    std::string text = whole.substr(0, round % 4 == 0 ? next(whole.size()) : whole.size());
    for (std::size_t changes = next(6); changes > 0 && !text.empty(); --changes) {
      static constexpr std::string_view kMarks = "{}[]:,-#&*!|>'\"%@`$ \n\t<~\xff";
      text[next(text.size())] = kMarks[next(kMarks.size())];
    }
    Setting root;
    Diagnostics diagnostics;
    if (!read_yaml(text, "f.yml", root, diagnostics)) {
      EXPECT_FALSE(diagnostics.ok()) << "what is refused is explained";
      continue;
    }
    ++read;
    expand_settings(root, kNoEnvironment, {}, diagnostics);
    check_known(root, diagnostics);
    Setting again;
    Diagnostics none;
    EXPECT_TRUE(read_yaml(write_yaml(root), "again.yml", again, none)) << text << all_findings(none);
    EXPECT_EQ(write_yaml(again), write_yaml(root)) << text;
  }
  EXPECT_GT(read, 100);
}

TEST(Yaml, BrokenTextIsToldWithItsPlace) {
  EXPECT_EQ(yaml_error("a: [1\nb: 2\n").substr(0, 8), "f.yml:2:");
  EXPECT_NE(yaml_error("- a\n- b\n").find("where a map of settings is expected"), std::string::npos);
  EXPECT_TRUE(yaml("").is_map());
}

TEST(Merge, MapsDeeplyAndListsByIndex) {
  Setting base = yaml("a: {x: 1, z: 2}\ntags: [q1, q2, q3]\np: [{type: http, ports: [80, 81]}]\n");
  merge_settings(base, yaml("a.z: 3\ntags: [z]\np: [{ports: [8080]}, {type: dns}]\n"));
  EXPECT_EQ(write_yaml(base),
            "a:\n  x: 1\n  z: 3\np:\n  - ports:\n      - 8080\n      - 81\n    type: http\n  - type: dns\ntags:\n  - "
            "z\n  - q2\n  - q3\n");
}

TEST(Merge, OverridesCanPickAnElement) {
  Setting base = yaml("p: [{type: http}]\n");
  std::string problem;
  EXPECT_TRUE(override_setting(base, "p.0.type", Setting::of_string("dns"), problem));
  EXPECT_TRUE(override_setting(base, "q.1", Setting::of_integer(5), problem));
  EXPECT_EQ(write_yaml(base), "p:\n  - type: dns\nq:\n  - null\n  - 5\n");
  EXPECT_FALSE(override_setting(base, "p.http.ports", Setting::of_integer(5), problem));
  EXPECT_NE(problem.find("is a list"), std::string::npos);
  EXPECT_FALSE(override_setting(base, "q.99999999", Setting::of_integer(5), problem));
}

TEST(Expand, SettingsThenEnvironmentThenDefault) {
  EXPECT_EQ(expanded("site.name: lab\na: '${site.name}-http'\n"), "a: lab-http\nsite:\n  name: lab\n");
  EXPECT_EQ(expanded("a: ${X}\n", {{"X", "5"}}), "a: 5\n");
  EXPECT_EQ(expanded("a: ${X}\n", {{"X", "p,q"}}), "a:\n  - p\n  - q\n");
  EXPECT_EQ(expanded("a: ${X}\n", {{"X", "{k: v}"}}), "a:\n  k: v\n");
  EXPECT_EQ(expanded("a: ${X}\n", {{"X", "[broken"}}), "a: \"[broken\"\n");
  EXPECT_EQ(expanded("a: ${X:[host, server]}\n"), "a:\n  - host\n  - server\n");
  EXPECT_EQ(expanded("a: ['${X:8888}']\n"), "a:\n  - 8888\n");
  EXPECT_EQ(expanded("a: '${X:${Y:deep}}'\n"), "a: deep\n");
  EXPECT_EQ(expanded("a: '${X:+there}${Y:+not}'\n", {{"X", "1"}}), "a: there\n");
  EXPECT_EQ(expanded("a: '$${X} ${Y:b}'\n"), "a: ${X} b\n");
  EXPECT_EQ(expanded("l: [1, {k: v}]\na: ${l.1.k}\n"), "a: v\nl:\n  - 1\n  - k: v\n");
  EXPECT_EQ(expanded("a: ${X}\n", {{"X", "${Y}"}}), "a: ${Y}\n") << "what the environment says is not expanded again";
}

TEST(Expand, SecretsAreTextsAndTheEnvironmentComesFirst) {
  EXPECT_EQ(expanded("a: ${SECRET}\nb: 'x${SECRET}'\n"), "a: \"0123\"\nb: x0123\n");
  EXPECT_EQ(expanded("a: ${SECRET}\n", {{"SECRET", "7"}}), "a: 7\n");
}

TEST(Expand, WhatIsMissingIsTold) {
  EXPECT_EQ(expanded("b:\n  a: ${NO_SUCH}\n"),
            "error: f.yml:2:6: b.a: ${NO_SUCH} is neither a setting nor an environment variable nor in the keystore; "
            "set it, or give a default: "
            "${NO_SUCH:default}\n");
  EXPECT_NE(expanded("a: '${X:?name the host}'\n").find("${X} is not set: name the host"), std::string::npos);
  EXPECT_NE(expanded("a: '${X'\n").find("closing '}' is missing"), std::string::npos);
  EXPECT_NE(expanded("a: ${b}\nb: ${a}\n").find("circle"), std::string::npos);
  EXPECT_NE(expanded("a: {b: '${a}'}\n").find("circle"), std::string::npos);
  EXPECT_EQ(expanded("o: {enabled: false, password: '${NO_SUCH}'}\n"),
            "o:\n  enabled: false\n  password: ${NO_SUCH}\n");
}

TEST(YamlWriter, HidesSecretsButNotTheirNames) {
  EXPECT_EQ(write_yaml(without_secrets(yaml("cloud.auth: a:b\n"
                                            "o: {password: hunter2, api_key: '${K}', hosts: ['http://u:p@h:1', h:2], "
                                            "ssl: {key_passphrase: 7}, keys: [1], token: ''}\n"))),
            "cloud:\n  auth: xxxxx\no:\n  api_key: ${K}\n  hosts:\n    - http://u:xxxxx@h:1\n    - h:2\n  keys:\n"
            "    - 1\n  password: xxxxx\n  ssl:\n    key_passphrase: xxxxx\n  token: \"\"\n");
}

TEST(YamlWriter, MessagesDoNotQuoteSecrets) {
  const Setting root = yaml("o: {password: [hunter2], proxy_url: 'http://u:hunter2@h'}\np: {password: hunter2}\n");
  Diagnostics diagnostics;
  const auto complain = [&](const char* key) {
    const Setting& setting = *root.find(key);
    diagnostics.error(setting, key, setting.describe() + " is wrong");
  };
  complain("o.proxy_url");
  complain("p.password");
  EXPECT_EQ(all_findings(diagnostics).find("hunter2"), std::string::npos) << all_findings(diagnostics);
}

TEST(YamlWriter, WritesWhatItsReaderReadsBack) {
  const std::string text =
      "a: \"yes\"\nb: \"- x\"\nc: \"line\\none\"\nd: \"1.5\"\ne: []\nf: {}\ng: null\n\"n\": \"a: b\"\nz:\n  - -1\n  - "
      "\"\"\n";
  EXPECT_EQ(write_yaml(yaml(text)), text);
}

TEST(Load, FilesAndOverridesInOrder) {
  const ScratchDirectory scratch;
  LoadRequest request;
  request.program_directory = scratch.path();
  scratch.file("one.yml", "name: one\ntags: [a, b]\npath.data: /d\n");
  request.files = {"one.yml", scratch.file("two.yml", "name: two\n")};
  std::pair<std::string, Setting> override;
  std::string problem;
  ASSERT_TRUE(parse_override("tags=[z]", override, problem));
  request.overrides.push_back(override);
  Diagnostics diagnostics;
  const LoadedConfig config = load_config(request, kNoEnvironment, diagnostics);
  EXPECT_EQ(all_findings(diagnostics), "");
  EXPECT_EQ(write_yaml(config.written), "name: two\npath:\n  config: " + scratch.path() +
                                            "\n  data: /d\n  home: " + scratch.path() + "\n  logs: " + scratch.path() +
                                            "/logs\ntags:\n  - z\n  - b\n");
  EXPECT_EQ(config.paths.data, "/d");
  EXPECT_EQ(config.settings.find("tags")->list()[0].place.text(), "command line");
}

TEST(Load, AFileThatOthersMayWriteIsRefused) {
  const ScratchDirectory scratch;
  LoadRequest request;
  request.program_directory = scratch.path();
  request.files = {scratch.file("open.yml", "name: x\n", 0666)};
  Diagnostics diagnostics;
  (void)load_config(request, kNoEnvironment, diagnostics);
  const std::string path = request.files[0];
  EXPECT_EQ(all_findings(diagnostics), "error: error loading config file: config file (\"" + path +
                                           "\") can only be writable by the owner but the permissions are "
                                           "\"-rw-rw-rw-\" (to fix the permissions use: 'chmod go-w " +
                                           path + "')\n");
  request.strict_permissions = false;
  Diagnostics relaxed;
  (void)load_config(request, kNoEnvironment, relaxed);
  EXPECT_EQ(all_findings(relaxed), "");
}

TEST(Load, WithoutAnyFileTheStockConfigurationRuns) {
  const ScratchDirectory scratch;
  LoadRequest request;
  request.program_directory = scratch.path();
  Diagnostics diagnostics;
  LoadedConfig config = load_config(request, kNoEnvironment, diagnostics);
  EXPECT_NE(config.settings.find("output.console"), nullptr);
  EXPECT_EQ(config.settings.find("packetbeat.protocols")->list().size(), 15U);
  EXPECT_TRUE(config.files.empty());

  std::pair<std::string, Setting> override;
  std::string problem;
  ASSERT_TRUE(parse_override("output.file.path=/tmp/x", override, problem));
  request.overrides.push_back(override);
  config = load_config(request, kNoEnvironment, diagnostics);
  EXPECT_EQ(config.settings.find("output.console"), nullptr)
      << "an output on the command line takes the console's place";

  request.files = {"missing.yml"};
  (void)load_config(request, kNoEnvironment, diagnostics);
  EXPECT_EQ(all_findings(diagnostics),
            "error: error loading config file: open " + scratch.path() + "/missing.yml: no such file or directory\n");
}

TEST(Load, OverridesThatAreNone) {
  std::pair<std::string, Setting> override;
  std::string problem;
  EXPECT_TRUE(parse_override("packetbeat.flows.enabled", override, problem));
  EXPECT_TRUE(override.second.boolean()) << "a key alone means true";
  EXPECT_TRUE(parse_override("a=${X:b}", override, problem));
  EXPECT_EQ(override.second.string(), "${X:b}");
  EXPECT_FALSE(parse_override("=x", override, problem));
  EXPECT_FALSE(parse_override("a..b=x", override, problem));
  EXPECT_FALSE(parse_override("a=[x", override, problem));
  EXPECT_NE(problem.find("']' is missing"), std::string::npos);
}

TEST(Known, MisspeltAndUnbuiltSettingsAreWarnedOf) {
  Diagnostics diagnostics;
  check_known(yaml("packetbeat.interfaces.devise: any\n"
                   "packetbeat.interfces.device: any\n"
                   "setup.template.settings.index.number_of_shards: 1\n"
                   "setup.kibana:\n"
                   "fields: {anything: {goes: 1}}\n"
                   "http.enabled: false\n"
                   "gc_percent: 5\n"
                   "spanbeat.checksums: ignore\n"
                   "monitoring.enabled: true\n"),
              diagnostics);
  EXPECT_EQ(
      all_findings(diagnostics),
      "warning: f.yml:1:31: packetbeat.interfaces.devise: unknown setting, ignored; did you mean "
      "'packetbeat.interfaces.device'?\n"
      "warning: f.yml:2:30: packetbeat.interfces: unknown setting, ignored; did you mean 'packetbeat.interfaces'?\n"
      "warning: f.yml:9:21: monitoring: not built yet; it has no effect\n");
}

TEST(Known, ASectionMustBeASection) {
  Diagnostics diagnostics;
  check_known(yaml("packetbeat.flows: 5\n"), diagnostics);
  EXPECT_EQ(all_findings(diagnostics),
            "error: f.yml:1:19: packetbeat.flows: 5, where a section of settings is expected, such as "
            "packetbeat.flows.enabled\n");
}

TEST(Known, OptionsOfProtocolsToComeAreChecked) {
  const Setting section = yaml("send_certificates: maybe\nfingerprints: [SHA1, crc32]\n");
  Diagnostics diagnostics;
  SettingReader reader(&section, "p.0", diagnostics);
  check_later_options(reader, *find_later_protocol("tls"));
  EXPECT_NE(all_findings(diagnostics).find("f.yml:1:20: p.0.send_certificates: 'maybe'"), std::string::npos)
      << all_findings(diagnostics);
  EXPECT_NE(all_findings(diagnostics).find("f.yml:2:22: p.0.fingerprints: 'crc32' is not known here"),
            std::string::npos);
  EXPECT_EQ(diagnostics.findings().size(), 2U);
}

}  // namespace
}  // namespace spanbeat
