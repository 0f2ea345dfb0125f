#include "app/cli/flags.h"

#include <algorithm>

namespace spanbeat {
namespace {

constexpr FlagText kFlags[] = {
    {"E", "", "key=value", "Override a setting; may be given several times", "", false},
    {"c", "", "file", "Configuration file, relative to path.config; several are merged (default packetbeat.yml)", "",
     true},
    {"d", "", "selectors", "Show debug messages of these parts, separated by commas; * for all", "", false},
    {"e", "", "", "Log to standard error and not to files", "", false},
    {"", "environment", "name", "Where the program runs: default, systemd, container, macos_service, windows_service",
     "", false},
    {"h", "help", "", "Show this help", "", false},
    {"", "path.config", "dir", "Directory of configuration files", "", true},
    {"", "path.data", "dir", "Directory of the program's own data", "", true},
    {"", "path.home", "dir", "Home directory", "", true},
    {"", "path.logs", "dir", "Directory of log files", "", true},
    {"", "plugin", "file", "Accepted and ignored", "", true},
    {"", "strict.perms", "", "Check the ownership and permissions of configuration files (default true)", "", false},
    {"v", "", "", "Log at info level at least", "", false},
    {"I", "", "file",
     "Read packets from this file (pcap, pcapng, also .gz and .zst; - is standard input); several are merged by time",
     "run", true},
    {"N", "", "", "Do not publish: documents are made and thrown away", "run", false},
    {"O", "", "", "Read one packet at a time: press Enter for the next", "run", false},
    {"t", "", "", "Read files at full speed and keep the times of the capture", "run", false},
    {"l", "", "n", "Read files n times; 0: without end (default 1)", "run", false},
    {"", "memory", "file", "As -I with -t, but read into memory before the first packet is worked on", "run", true},
    {"", "stages", "", "Show at exit what a packet costs in each stage of the workers", "run", false},
    {"", "dump", "file", "Write every packet to this file", "run", true},
    {"", "cpuprofile", "file", "Accepted and ignored", "run", true},
    {"", "memprofile", "file", "Accepted and ignored", "run", true},
    {"", "httpprof", "address", "Accepted and ignored", "run", false},
    {"", "es.version", "version", "Elasticsearch that it is for; 7.14 at least (default 8.1.0)", "export", false},
    {"", "noilm", "", "Leave the lifecycle policy out of the template", "export", false},
    {"", "dir", "folder", "Write to a file in this folder", "export", true},
    {"", "folder", "folder", "The same, of export dashboard", "export", true},
    {"", "id", "id", "The dashboard to export: one that is built in, else one of Kibana's", "export", false},
    {"", "yml", "file", "A list of dashboards to export, {id, file} each, to files beside it", "export", true},
    {"", "index-management", "", "Only the index template and the lifecycle policy", "setup", false},
    {"", "dashboards", "", "Only the dashboards", "setup", false},
    {"", "pipelines", "", "Accepted; there are no pipelines", "setup", false},
    {"", "force", "", "Replace the keystore or the key that is there", "keystore", false},
    {"", "stdin", "", "Read the value from standard input", "keystore", false},
};

constexpr CommandText kCommands[] = {
    {"run", "Capture, or read files with -I (default)", false},
    {"test config", "Test the configuration", false},
    {"test output", "Test the connection to the output", false},
    {"export config", "Show the configuration as it was merged", false},
    {"export template", "Show the index template", false},
    {"export ilm-policy", "Show the lifecycle policy", false},
    {"export index-pattern", "Show Kibana's index pattern", false},
    {"export dashboard", "Show dashboards for Kibana: those that are built in, or one of Kibana's", false},
    {"doctor", "Check whether this machine is fit to capture, and say what to type where it is not", false},
    {"setup", "Put index template and lifecycle policy on Elasticsearch, and dashboards on Kibana", false},
    {"keystore create", "Create the keystore", false},
    {"keystore add", "Add a secret: keystore add KEY", false},
    {"keystore list", "List the names of the secrets", false},
    {"keystore remove", "Remove a secret: keystore remove KEY", false},
    {"devices", "List the interfaces that can be captured from", false},
    {"version", "Show the version", false},
    {"completion", "Print a completion script: completion bash|zsh", true},
    {"help", "Help about a command", false},
};

std::string flag_line(const FlagText& flag) {
  std::string line = "  ";
  line += flag.letter.empty() ? "    " : "-" + std::string(flag.letter) + (flag.name.empty() ? "" : ", ");
  if (!flag.name.empty()) line += "--" + std::string(flag.name);
  if (!flag.value.empty()) line += " " + std::string(flag.value);
  line.resize(std::max<std::size_t>(line.size() + 2, 26), ' ');
  return line + std::string(flag.text) + "\n";
}

// Those of a command alone; none: those of every command.
std::string flags_of(std::string_view command) {
  std::string out;
  for (const FlagText& flag : kFlags) {
    if (flag.of == command) out += flag_line(flag);
  }
  return out;
}

std::string all_flags(std::string_view separator) {
  std::string out;
  for (const FlagText& flag : kFlags) {
    if (!flag.letter.empty()) out += "-" + std::string(flag.letter) + std::string(separator);
    if (!flag.name.empty()) out += "--" + std::string(flag.name) + std::string(separator);
  }
  if (!out.empty()) out.resize(out.size() - separator.size());
  return out;
}

// The first words of all commands, or the second words behind `first`.
std::string words(std::string_view first) {
  std::string out;
  std::string last;
  for (const CommandText& command : kCommands) {
    const std::size_t space = command.name.find(' ');
    std::string word;
    if (first.empty()) {
      word = std::string(command.name.substr(0, space));
    } else if (space != std::string_view::npos && command.name.substr(0, space) == first) {
      word = std::string(command.name.substr(space + 1));
    }
    if (word.empty() || word == last) continue;
    last = word;
    out += (out.empty() ? "" : " ") + word;
  }
  return out;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

constexpr std::string_view kBash = R"(# bash completion for @PROGRAM@; load it with: source <(@PROGRAM@ completion bash)
_@NAME@() {
  local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}"
  COMPREPLY=()
  case "$before" in
    @FILES@) COMPREPLY=($(compgen -f -- "$word")); return ;;
    --environment) COMPREPLY=($(compgen -W "default systemd container macos_service windows_service" -- "$word")); return ;;
    test) COMPREPLY=($(compgen -W "@TEST@" -- "$word")); return ;;
    export) COMPREPLY=($(compgen -W "@EXPORT@" -- "$word")); return ;;
    keystore) COMPREPLY=($(compgen -W "@KEYSTORE@" -- "$word")); return ;;
    completion) COMPREPLY=($(compgen -W "bash zsh" -- "$word")); return ;;
  esac
  if [[ "$word" == -* ]]; then
    COMPREPLY=($(compgen -W "@FLAGS@" -- "$word"))
  else
    COMPREPLY=($(compgen -W "@COMMANDS@" -- "$word"))
  fi
}
complete -o filenames -F _@NAME@ @PROGRAM@
)";

constexpr std::string_view kZsh = R"(#compdef @PROGRAM@
# zsh completion for @PROGRAM@; load it with: source <(@PROGRAM@ completion zsh)
_@NAME@() {
  local before="${words[CURRENT-1]}"
  case "$before" in
    @FILES@) _files; return ;;
    --environment) compadd default systemd container macos_service windows_service; return ;;
    test) compadd @TEST@; return ;;
    export) compadd @EXPORT@; return ;;
    keystore) compadd @KEYSTORE@; return ;;
    completion) compadd bash zsh; return ;;
  esac
  if [[ "${words[CURRENT]}" == -* ]]; then
    compadd -- @FLAGS@
  else
    compadd @COMMANDS@
  fi
}
compdef _@NAME@ @PROGRAM@
)";

}  // namespace

std::span<const FlagText> flag_texts() { return kFlags; }
std::span<const CommandText> command_texts() { return kCommands; }

std::string help_text(std::string_view program, std::string_view command) {
  const std::string name(program);
  std::string out;
  if (command.empty() || command == "run") {
    out = name +
          " reads packets, decodes application protocols and writes one document for each transaction and flow.\n\n" +
          "Usage:\n  " + name + " [command] [flags]\n\nCommands:\n";
    for (const CommandText& each : kCommands) {
      if (each.hidden) continue;
      std::string line = "  " + std::string(each.name);
      line.resize(26, ' ');
      out += line + std::string(each.text) + "\n";
    }
    out += "\nFlags of run:\n" + flags_of("run");
  } else {
    bool group = true;
    for (const CommandText& each : kCommands) {
      if (each.name == command) {
        out = std::string(each.text) + ".\n\nUsage:\n  " + name + " " + std::string(command) + " [flags]\n";
        group = false;
      }
    }
    if (group) {
      out = "Usage:\n  " + name + " " + std::string(command) + " [command] [flags]\n\nCommands:\n";
      for (const CommandText& each : kCommands) {
        if (each.name.substr(0, each.name.find(' ')) == command) {
          std::string line = "  " + std::string(each.name);
          line.resize(26, ' ');
          out += line + std::string(each.text) + "\n";
        }
      }
    }
  }
  out += "\nFlags:\n" + (command.empty() || command == "run" ? "" : flags_of(command.substr(0, command.find(' ')))) +
         flags_of("");
  if (command.empty() || command == "run") {
    out +=
        "\nLong flags may be written with one dash. Exit status: 0 after a signal, at the end of the files and when a "
        "command\n"
        "succeeded; 1 otherwise.\n";
  }
  return out;
}

std::string completion_script(std::string_view program, std::string_view shell) {
  std::string script(shell == "bash" ? kBash : shell == "zsh" ? kZsh : std::string_view{});
  std::string files;
  for (const FlagText& flag : kFlags) {
    if (!flag.takes_file) continue;
    if (!flag.letter.empty()) files += (files.empty() ? "-" : "|-") + std::string(flag.letter);
    if (!flag.name.empty()) files += (files.empty() ? "--" : "|--") + std::string(flag.name);
  }
  std::string name(program);
  for (char& c : name) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!word) c = '_';
  }
  replace_all(script, "@PROGRAM@", program);
  replace_all(script, "@NAME@", name);
  replace_all(script, "@FILES@", files);
  replace_all(script, "@FLAGS@", all_flags(" "));
  replace_all(script, "@COMMANDS@", words(""));
  replace_all(script, "@TEST@", words("test"));
  replace_all(script, "@EXPORT@", words("export"));
  replace_all(script, "@KEYSTORE@", words("keystore"));
  return script;
}

}  // namespace spanbeat
