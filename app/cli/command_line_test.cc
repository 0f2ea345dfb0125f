// Stories about the command line.
#include "app/cli/command_line.h"

#include <gtest/gtest.h>

#include "app/cli/flags.h"

namespace spanbeat {
namespace {

CommandLine parsed(std::vector<std::string> arguments) {
  CommandLine line;
  std::string problem;
  EXPECT_TRUE(parse_command_line(std::move(arguments), "spanbeat", line, problem)) << problem;
  return line;
}

std::string refused(std::vector<std::string> arguments) {
  CommandLine line;
  std::string problem;
  EXPECT_FALSE(parse_command_line(std::move(arguments), "spanbeat", line, problem));
  return problem;
}

TEST(CommandLine, AsUsersScriptIt) {
  const CommandLine line =
      parsed({"-e", "-c", "a.yml", "-c", "b.yml", "-E", "tags=[a,b]", "-I", "x.pcap", "-t", "-path.home", "/h",
              "--strict.perms=false", "-httpprof", ":6060", "-d", "http,flows", "-d", "*"});
  EXPECT_EQ(line.command, Command::run);
  EXPECT_TRUE(line.to_stderr);
  EXPECT_TRUE(line.top_speed);
  EXPECT_FALSE(line.strict_permissions);
  EXPECT_EQ(line.config_files, (std::vector<std::string>{"a.yml", "b.yml"}));
  EXPECT_EQ(line.overrides, (std::vector<std::string>{"tags=[a,b]"}));
  EXPECT_EQ(line.files, (std::vector<std::string>{"x.pcap"}));
  EXPECT_EQ(line.home, "/h");
  EXPECT_EQ(line.selectors, (std::vector<std::string>{"http", "flows", "*"}));
}

TEST(CommandLine, FlagsStandBeforeAndBehindTheCommand) {
  for (const auto& words : {std::vector<std::string>{"-c", "x.yml", "test", "config"},
                            {"test", "-c", "x.yml", "config"},
                            {"test", "config", "-c", "x.yml"},
                            {"test", "config", "--c=x.yml"},
                            {"test", "config", "-c=x.yml"}}) {
    const CommandLine line = parsed(words);
    EXPECT_EQ(line.command, Command::test_config);
    EXPECT_EQ(line.config_files, (std::vector<std::string>{"x.yml"}));
  }
}

TEST(CommandLine, GoHabits) {
  EXPECT_TRUE(parsed({"-e=true"}).to_stderr);
  EXPECT_FALSE(parsed({"-e=false"}).to_stderr);
  EXPECT_TRUE(parsed({"-e", "-e"}).to_stderr) << "twice is no mistake";
  EXPECT_EQ(parsed({"-E=k=v=w"}).overrides, (std::vector<std::string>{"k=v=w"}));
  EXPECT_EQ(parsed({"-dump", "out.pcap"}).dump, "out.pcap");
  EXPECT_EQ(parsed({"-I", "-"}).files, (std::vector<std::string>{"-"}));
  EXPECT_EQ(parsed({"-E", "packetbeat.flows.period=-1s"}).overrides,
            (std::vector<std::string>{"packetbeat.flows.period=-1s"}));
  EXPECT_EQ(parsed({"-l", "3"}).loops, "3");
  EXPECT_EQ(parsed({"run", "-N"}).command, Command::run);
}

TEST(CommandLine, WhatIsNotKnownIsRefusedWithAHint) {
  EXPECT_EQ(refused({"bogus"}),
            "Error: unknown command \"bogus\" for \"spanbeat\"\nRun 'spanbeat --help' for usage.\n");
  EXPECT_EQ(refused({"test", "bogus"}),
            "Error: unknown command \"bogus\" for \"spanbeat test\"\nRun 'spanbeat test --help' for usage.\n");
  EXPECT_EQ(refused({"--bogus"}).substr(0, 29), "Error: unknown flag: --bogus\n");
  EXPECT_EQ(refused({"-et"}).substr(0, 26), "Error: unknown flag: --et\n") << "letters cannot be joined";
  EXPECT_NE(refused({"-x"}).find("unknown flag: -x"), std::string::npos);
  EXPECT_NE(refused({"-c"}).find("Error: "), std::string::npos);
  EXPECT_NE(refused({"-e=perhaps"}).find("Error: "), std::string::npos);
  EXPECT_NE(refused({"version", "please"}).find("unknown command \"please\""), std::string::npos);
}

TEST(CommandLine, SetupAndExportTakeTheirFlags) {
  EXPECT_EQ(parsed({"export", "dashboard"}).command, Command::export_dashboard);
  EXPECT_EQ(parsed({"export", "dashboard", "--id", "x"}).id, "x");
  EXPECT_EQ(parsed({"export", "dashboard", "-yml", "x.yml", "--folder", "y"}).list, "x.yml");
  EXPECT_EQ(parsed({"export", "dashboard", "-yml", "x.yml", "--folder", "y"}).folder, "y");
  EXPECT_TRUE(parsed({"setup", "--dashboards"}).dashboards);
  EXPECT_TRUE(parsed({"setup", "-e", "--index-management"}).index_management);
  EXPECT_EQ(parsed({"export", "template", "--dir", "x"}).folder, "x");
  EXPECT_EQ(parsed({"test"}).command, Command::help);
}

TEST(CommandLine, KeystoreCommandsTakeKeysAndFlags) {
  const CommandLine line = parsed({"keystore", "add", "KEY", "--stdin", "-force"});
  EXPECT_EQ(line.command, Command::keystore_add);
  EXPECT_EQ(line.arguments, std::vector<std::string>{"KEY"});
  EXPECT_TRUE(line.from_stdin);
  EXPECT_TRUE(line.force);
  EXPECT_NE(refused({"keystore", "list", "KEY"}).find("unknown command"), std::string::npos);
  EXPECT_NE(help_text("spanbeat", "keystore add").find("--stdin"), std::string::npos);
}

TEST(CommandLine, HelpNamesEveryFlagAndCompletionEveryCommand) {
  const std::string help = help_text("spanbeat", "");
  const std::string bash = completion_script("spanbeat", "bash");
  for (const FlagText& flag : flag_texts()) {
    const std::string name = flag.name.empty() ? "-" + std::string(flag.letter) : "--" + std::string(flag.name);
    const std::string own = flag.of.empty() ? help : help_text("spanbeat", flag.of);
    EXPECT_NE(own.find(name + " "), std::string::npos) << name;
    EXPECT_NE(bash.find(name), std::string::npos) << name;
  }
  EXPECT_NE(bash.find("run test export"), std::string::npos);
  EXPECT_EQ(bash.find('@'), std::string::npos) << "every placeholder is filled";
  EXPECT_EQ(completion_script("spanbeat", "tcsh"), "");
}

}  // namespace
}  // namespace spanbeat
