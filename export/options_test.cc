// What the settings say about documents and outputs, and what is refused.
#include "export/options.h"

#include <gtest/gtest.h>

#include "export/sinks/file.h"
#include "export/sinks/output.h"
#include "export/testing.h"

namespace spanbeat {
namespace {

// Settings written as dotted names.
class Settings {
 public:
  Settings& set(std::string_view dotted, Setting value) {
    Setting* at = &root_;
    for (std::size_t dot = dotted.find('.'); dot != std::string_view::npos; dot = dotted.find('.')) {
      at = &at->make(dotted.substr(0, dot));
      dotted.remove_prefix(dot + 1);
    }
    at->make(dotted) = std::move(value);
    return *this;
  }
  Settings& set(std::string_view dotted, const char* value) { return set(dotted, Setting::of_string(value)); }
  Settings& set(std::string_view dotted, bool value) { return set(dotted, Setting::of_bool(value)); }
  Settings& set(std::string_view dotted, int value) { return set(dotted, Setting::of_integer(value)); }
  [[nodiscard]] const Setting& root() const { return root_; }

 private:
  Setting root_ = Setting::of_map();
};

std::string findings(const Diagnostics& diagnostics) {
  std::string all;
  for (const auto& finding : diagnostics.findings())
    all += (finding.error ? "error: " : "warning: ") + finding.message + "\n";
  return all;
}

Setting list_of(std::initializer_list<const char*> texts) {
  Setting list = Setting::of_list();
  for (const char* text : texts) list.list().push_back(Setting::of_string(text));
  return list;
}

TEST(ExportOptions, AreReadFromTheWholeConfiguration) {
  Settings settings;
  settings.set("name", "edge-7")
      .set("tags", list_of({"a", "b"}))
      .set("fields.env", "test")
      .set("fields_under_root", true);
  settings.set("packetbeat.ignore_outgoing", true);
  settings.set("packetbeat.interfaces.internal_networks", list_of({"private", "2001:db8::/32"}));
  settings.set("queue.mem.events", 64).set("queue.mem.flush.min_events", 8).set("queue.mem.flush.timeout", "100ms");
  Diagnostics diagnostics;
  ExportConfig config;
  config.identity.name = "host";
  read_export_config(settings.root(), diagnostics, config);
  EXPECT_EQ(findings(diagnostics), "");
  EXPECT_EQ(config.identity.name, "edge-7");
  EXPECT_EQ(config.tags, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(config.fields.member("env")->string(), "test");
  EXPECT_TRUE(config.fields_under_root);
  EXPECT_TRUE(config.ignore_outgoing);
  EXPECT_TRUE(config.internal_networks.contains(testing::address("10.1.1.1")));
  EXPECT_FALSE(config.internal_networks.contains(testing::address("192.0.2.1")));
  EXPECT_EQ(config.queue.events, 64);
  EXPECT_EQ(config.queue.min_events, 8);
  EXPECT_EQ(config.queue.flush_timeout, 100 * kMillisecond);
}

TEST(ExportOptions, ASmallQueueFlushesNoLaterThanWhenItIsFull) {
  Settings settings;
  settings.set("queue.mem.events", 32);
  Diagnostics diagnostics;
  ExportConfig config;
  read_export_config(settings.root(), diagnostics, config);
  EXPECT_EQ(findings(diagnostics), "");
  EXPECT_EQ(config.queue.min_events, 32);
}

TEST(ExportOptions, AnUnknownNetworkIsRefusedAndTheNearestNameOffered) {
  Settings settings;
  settings.set("packetbeat.interfaces.internal_networks", list_of({"privat", "10.0.0.0/33"}));
  Diagnostics diagnostics;
  ExportConfig config;
  read_export_config(settings.root(), diagnostics, config);
  const std::string all = findings(diagnostics);
  EXPECT_NE(all.find("packetbeat.interfaces.internal_networks"), std::string::npos);
  EXPECT_NE(all.find("\"privat\" is no network; write a CIDR such as 10.0.0.0/8 or a name such as private"),
            std::string::npos);
  EXPECT_NE(all.find("\"10.0.0.0/33\""), std::string::npos);
}

TEST(ExportOptions, FieldsThatAreNoMapAndQueuesThatAreTooSmallAreRefused) {
  Settings settings;
  settings.set("fields", "text").set("queue.mem.events", 31);
  Diagnostics diagnostics;
  ExportConfig config;
  read_export_config(settings.root(), diagnostics, config);
  EXPECT_FALSE(diagnostics.ok());
  EXPECT_EQ(diagnostics.findings().size(), 2u);
}

TEST(StreamOptions, AnIndexIsLowerCaseAndMembersOfFieldsThatAreNullAreLeftOut) {
  Settings settings;
  settings.set("index", "Custom-%{[agent.version]}").set("keep_null", true).set("tags", "single");
  settings.set("fields.none", Setting()).set("fields.deep.none", Setting());
  Diagnostics diagnostics;
  SettingReader reader(&settings.root(), "packetbeat.flows", diagnostics);
  const StreamOptions options = read_stream_options(reader, nullptr);
  EXPECT_EQ(findings(diagnostics), "");
  EXPECT_EQ(options.index, "custom-%{[agent.version]}");
  EXPECT_TRUE(options.keep_null);
  EXPECT_EQ(options.tags, std::vector<std::string>{"single"});
  ASSERT_EQ(options.fields.map().size(), 1u);
  EXPECT_EQ(options.fields.map()[0].first, "deep");
  EXPECT_TRUE(options.fields.find("deep.none")->is_null());
}

OutputConfig output(const Settings& settings, std::string& complaints) {
  Diagnostics diagnostics;
  OutputConfig config = read_output(settings.root(), OutputContext(), diagnostics);
  complaints = findings(diagnostics);
  return config;
}

FileOptions file_options(const Settings& settings, std::string& complaints) {
  Diagnostics diagnostics;
  SettingReader reader(&settings.root(), "output.file", diagnostics);
  FileOptions options = read_file_options(reader);
  complaints = findings(diagnostics);
  return options;
}

TEST(Output, AFileHasPacketbeatsDefaults) {
  std::string complaints;
  const FileOptions options = file_options(Settings().set("path", "/tmp/x"), complaints);
  EXPECT_EQ(complaints, "");
  EXPECT_EQ(options.filename, "packetbeat");
  EXPECT_EQ(options.rotate_every_bytes, 10240u << 10);
  EXPECT_EQ(options.number_of_files, 7u);
  EXPECT_EQ(options.permissions, 0600u);
  EXPECT_TRUE(options.rotate_on_startup);
  EXPECT_EQ(options.rotate_interval, 0);
}

TEST(Output, PermissionsAreOctalHoweverTheyAreWritten) {
  std::string complaints;
  EXPECT_EQ(file_options(Settings().set("path", "x").set("permissions", 0640), complaints).permissions, 0640u);
  EXPECT_EQ(file_options(Settings().set("path", "x").set("permissions", "0644"), complaints).permissions, 0644u);
  EXPECT_EQ(complaints, "");
  (void)file_options(Settings().set("path", "x").set("permissions", "rw"), complaints);
  EXPECT_NE(complaints.find("0600"), std::string::npos);
}

TEST(Output, TheConsoleCanBePrettyInTwoSpellings) {
  std::string complaints;
  EXPECT_TRUE(output(Settings().set("output.console.pretty", true), complaints).codec.pretty);
  EXPECT_TRUE(output(Settings().set("output.console.codec.json.pretty", true), complaints).codec.pretty);
  EXPECT_EQ(output(Settings().set("output.console.codec.format.string", "%{[a]}"), complaints).codec.format, "%{[a]}");
  EXPECT_EQ(complaints, "");
}

TEST(Output, ThereMustBeExactlyOneThatIsEnabled) {
  std::string complaints;
  (void)output(Settings(), complaints);
  EXPECT_NE(complaints.find("no outputs are defined"), std::string::npos);
  Settings two;
  two.set("output.console.pretty", true).set("output.file.path", "x");
  (void)output(two, complaints);
  EXPECT_NE(complaints.find("output.file: a second output beside output.console"), std::string::npos);
  two.set("output.console.enabled", false);
  EXPECT_EQ(output(two, complaints).name, "file");
  EXPECT_EQ(complaints, "");
  (void)output(Settings().set("output.consol.pretty", true), complaints);
  EXPECT_NE(complaints.find("did you mean output.console?"), std::string::npos);
}

TEST(Output, WhatIsWrongIsNamed) {
  const std::pair<Settings, const char*> cases[] = {
      {Settings().set("output.file.filename", "x"), "output.file.path: missing"},
      {Settings().set("output.file.path", "x").set("output.file.filename", "a/b"), "output.file.filename"},
      {Settings().set("output.file.path", "x").set("output.file.number_of_files", 1), "output.file.number_of_files"},
      {Settings().set("output.file.path", "x").set("output.file.rotate_every_kb", 0), "output.file.rotate_every_kb"},
      {Settings().set("output.file.path", "x").set("output.file.rotate_interval", "10ms"),
       "output.file.rotate_interval"},
      {Settings().set("output.file.path", "x").set("output.file.rotate_evry_kb", 5), "rotate_every_kb"},
      {Settings().set("output.console.codec.format.string", "%{[open"), "output.console.codec.format.string"},
  };
  for (const auto& [settings, expected] : cases) {
    std::string complaints;
    (void)output(settings, complaints);
    EXPECT_NE(complaints.find(expected), std::string::npos) << complaints;
  }
}

}  // namespace
}  // namespace spanbeat
