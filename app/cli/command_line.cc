#include "app/cli/command_line.h"

#include <CLI/CLI.hpp>

#include <algorithm>

#include "app/cli/flags.h"

namespace spanbeat {
namespace {

// Every flag is known by its letter and by "--" and the letter or name, as rewritten Go flags are.
std::string names_of(const FlagText& flag) {
  std::string names;
  if (!flag.letter.empty()) names = "-" + std::string(flag.letter) + ",--" + std::string(flag.letter);
  if (!flag.name.empty()) names += (names.empty() ? "--" : ",--") + std::string(flag.name);
  return names;
}

struct Values {
  std::vector<std::string> texts;
  bool yes = false;
};

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t comma = std::min(text.find(',', begin), text.size());
    if (comma > begin) out.push_back(text.substr(begin, comma - begin));
    begin = comma + 1;
  }
  return out;
}

bool is_group(std::string_view word) {
  return std::any_of(command_texts().begin(), command_texts().end(), [&](const CommandText& each) {
    return each.name.find(' ') != std::string_view::npos && each.name.substr(0, each.name.find(' ')) == word;
  });
}

// Which command the words name. False, with `problem`, when there is none.
bool find_command(const std::vector<std::string>& words, std::string_view program, CommandLine& line,
                  std::string& problem) {
  if (words.empty()) return true;
  std::size_t used = 1;
  line.command_name = words[0];
  if (is_group(words[0])) {
    if (words.size() == 1) {
      line.command = Command::help;
      line.arguments = words;
      return true;
    }
    line.command_name += " " + words[1];
    used = 2;
  }
  const auto known = std::find_if(command_texts().begin(), command_texts().end(),
                                  [&](const CommandText& each) { return each.name == line.command_name; });
  if (known == command_texts().end()) {
    const std::string owner = used == 2 ? std::string(program) + " " + words[0] : std::string(program);
    problem = "Error: unknown command \"" + words[used - 1] + "\" for \"" + owner + "\"\nRun '" + owner +
              " --help' for usage.\n";
    return false;
  }
  static constexpr std::pair<std::string_view, Command> kBuilt[] = {
      {"run", Command::run},
      {"test config", Command::test_config},
      {"test output", Command::test_output},
      {"version", Command::version},
      {"export config", Command::export_config},
      {"devices", Command::devices},
      {"doctor", Command::doctor},
      {"help", Command::help},
      {"completion", Command::completion},
      {"setup", Command::setup},
      {"export template", Command::export_template},
      {"export ilm-policy", Command::export_ilm_policy},
      {"export index-pattern", Command::export_index_pattern},
      {"export dashboard", Command::export_dashboard},
      {"keystore create", Command::keystore_create},
      {"keystore add", Command::keystore_add},
      {"keystore list", Command::keystore_list},
      {"keystore remove", Command::keystore_remove},
  };
  for (const auto& [name, command] : kBuilt) {
    if (name == line.command_name) line.command = command;
  }
  line.arguments.assign(words.begin() + static_cast<std::ptrdiff_t>(used), words.end());
  static constexpr Command kWithArguments[] = {Command::completion, Command::help, Command::keystore_add,
                                               Command::keystore_remove};
  const bool takes_arguments =
      std::find(std::begin(kWithArguments), std::end(kWithArguments), line.command) != std::end(kWithArguments);
  if (!takes_arguments && !line.arguments.empty()) {
    problem = "Error: unknown command \"" + line.arguments[0] + "\" for \"" + std::string(program) + " " +
              line.command_name + "\"\nRun '" + std::string(program) + " " + line.command_name +
              " --help' for usage.\n";
    return false;
  }
  return true;
}

}  // namespace

void rewrite_go_flags(std::vector<std::string>& arguments) {
  for (std::string& argument : arguments) {
    if (argument == "--") return;
    if (argument.size() > 2 && argument[0] == '-' && argument[1] != '-') argument.insert(0, "-");
  }
}

bool parse_command_line(std::vector<std::string> arguments, std::string_view program, CommandLine& line,
                        std::string& problem) {
  rewrite_go_flags(arguments);
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  std::vector<Values> values(flag_texts().size());
  for (std::size_t i = 0; i < flag_texts().size(); ++i) {
    const FlagText& flag = flag_texts()[i];
    if (flag.name == "strict.perms") values[i].yes = true;
    if (flag.value.empty()) {
      app.add_flag(names_of(flag), values[i].yes)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    } else {
      app.add_option(names_of(flag), values[i].texts)->allow_extra_args(false)->type_size(1);
    }
  }
  // CLI11 reads a vector from its end, and reports with exceptions; they end here.
  try {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    app.parse(std::move(reversed));
  } catch (const CLI::ParseError& error) {
    problem = "Error: " + std::string(error.what()) + "\nRun '" + std::string(program) + " --help' for usage.\n";
    return false;
  }
  const auto at = [&](std::string_view name) -> Values& {
    for (std::size_t i = 0; i < flag_texts().size(); ++i) {
      if (flag_texts()[i].name == name || flag_texts()[i].letter == name) return values[i];
    }
    return values[0];
  };
  const auto text = [&](std::string_view name, std::string& target) {
    if (!at(name).texts.empty()) target = at(name).texts.back();
  };
  std::vector<std::string> words;
  for (const std::string& extra : app.remaining()) {
    if (extra.size() > 1 && extra[0] == '-' && extra != "--") {
      problem = "Error: unknown flag: " + extra + "\n" + help_text(program, "");
      return false;
    }
    if (extra != "--") words.push_back(extra);
  }
  line.config_files = at("c").texts;
  line.overrides = at("E").texts;
  text("path.home", line.home);
  text("path.config", line.config);
  text("path.data", line.data);
  text("path.logs", line.logs);
  text("environment", line.environment);
  text("dump", line.dump);
  text("l", line.loops);
  line.to_stderr = at("e").yes;
  line.verbose = at("v").yes;
  line.strict_permissions = at("strict.perms").yes;
  line.files = at("I").texts;
  line.memory = at("memory").texts;
  line.top_speed = at("t").yes;
  line.one_at_a_time = at("O").yes;
  line.no_publishing = at("N").yes;
  line.stages = at("stages").yes;
  text("es.version", line.version);
  text("dir", line.folder);
  text("folder", line.folder);
  text("id", line.id);
  text("yml", line.list);
  line.without_ilm = at("noilm").yes;
  line.index_management = at("index-management").yes;
  line.dashboards = at("dashboards").yes;
  line.pipelines = at("pipelines").yes;
  line.force = at("force").yes;
  line.from_stdin = at("stdin").yes;
  line.wants_help = at("help").yes;
  for (const std::string& selectors : at("d").texts) {
    for (std::string& selector : split(selectors)) line.selectors.push_back(std::move(selector));
  }
  return find_command(words, program, line, problem);
}

}  // namespace spanbeat
