#include "app/config/load.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>

#include "app/config/merge.h"
#include "app/config/scalars.h"
#include "app/config/yaml_reader.h"
#include "app/secrets/keystore.h"

namespace spanbeat {
namespace {

constexpr std::size_t kMaxFile = (std::size_t{16} << 20) + 1;

// "-rw-r--r--", as ls shows it.
std::string mode_text(mode_t mode) {
  std::string text = S_ISDIR(mode) ? "d" : "-";
  for (int shift = 6; shift >= 0; shift -= 3) {
    text += (mode >> shift) & 4 ? 'r' : '-';
    text += (mode >> shift) & 2 ? 'w' : '-';
    text += (mode >> shift) & 1 ? 'x' : '-';
  }
  return text;
}

// A configuration that others may write is a way to let this program do what they want.
bool permissions_are_strict(const std::string& path, const struct stat& info, std::string& problem) {
  const uid_t user = ::geteuid();
  if (info.st_uid != user && info.st_uid != 0) {
    problem = "config file (\"" + path + "\") must be owned by the user identifier (uid=" + std::to_string(user) +
              ") or root (to fix the ownership use: 'chown " + std::to_string(user) + " " + path +
              "', or switch the check off with --strict.perms=false)";
    return false;
  }
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    problem = "config file (\"" + path + "\") can only be writable by the owner but the permissions are \"" +
              mode_text(info.st_mode) + "\" (to fix the permissions use: 'chmod go-w " + path + "')";
    return false;
  }
  return true;
}

bool read_file(const std::string& path, bool strict, std::string& text, std::string& problem) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    problem = "open " + path + ": " + (errno == ENOENT ? "no such file or directory" : std::strerror(errno));
    return false;
  }
  struct stat info{};
  bool good = ::fstat(file, &info) == 0;
  if (good && S_ISDIR(info.st_mode)) {
    problem = "read " + path + ": is a directory";
    good = false;
  }
  good = good && (!strict || permissions_are_strict(path, info, problem));
  char buffer[16384];
  while (good) {
    const ssize_t count = ::read(file, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      problem = "read " + path + ": " + std::strerror(errno);
      good = false;
    }
    if (count <= 0) break;
    text.append(buffer, static_cast<std::size_t>(count));
    if (text.size() > kMaxFile) break;  // the YAML reader complains
  }
  ::close(file);
  return good;
}

std::string override_text(const LoadRequest& request, std::string_view key) {
  std::string text;
  for (const auto& [name, value] : request.overrides) {
    if (name == key) text = value.scalar_text();
  }
  return text;
}

std::string join(const std::string& directory, const std::string& name) {
  return std::filesystem::path(directory) / name;
}

class Loader {
 public:
  Loader(const LoadRequest& request, Diagnostics& diagnostics) : request_(request), diagnostics_(diagnostics) {}

  void run(const Environment& environment, LoadedConfig& config) {
    Paths& paths = config.paths;
    paths.home = override_text(request_, "path.home");
    if (paths.home.empty()) paths.home = request_.program_directory;
    paths.config = override_text(request_, "path.config");
    if (paths.config.empty()) paths.config = paths.home;
    if (!read_files(config)) return;
    for (const auto& [key, value] : request_.overrides) {
      std::string problem;
      if (!override_setting(config.written, key, value, problem)) diagnostics_.error(value, key, problem);
    }
    if (!diagnostics_.ok()) return;
    set_paths(config);
    config.merged = diagnostics_.ok();
    find_keystore(config, environment);
    Keystore keystore(paths.keystore);
    bool loaded = false;
    const Secrets secrets = [&](const std::string& name, std::string& value) {
      std::string problem;
      if (!std::exchange(loaded, true) && !keystore.load(problem)) diagnostics_.error(problem);
      const auto found = keystore.secrets().find(name);
      if (found != keystore.secrets().end()) value = found->second;
      return found != keystore.secrets().end();
    };
    config.settings = config.written;
    expand_settings(config.settings, environment, secrets, diagnostics_);
    read_back(config.settings, "path.data", paths.data);
    read_back(config.settings, "path.logs", paths.logs);
  }

 private:
  bool read_files(LoadedConfig& config) {
    config.written = Setting::of_map();
    if (request_.files.empty()) {
      const std::string standard = join(config.paths.config, "packetbeat.yml");
      if (::access(standard.c_str(), F_OK) != 0) return read_builtin(config);
      return read_one(standard, config);
    }
    for (const std::string& name : request_.files) {
      std::string path = name;
      if (std::filesystem::path(name).is_relative()) {
        path = join(config.paths.config, name);
        if (::access(path.c_str(), F_OK) != 0 && ::access(name.c_str(), F_OK) == 0) path = name;
      }
      if (!read_one(path, config)) return false;
    }
    return true;
  }

  bool read_one(const std::string& path, LoadedConfig& config) {
    std::string text;
    std::string problem;
    if (!read_file(path, request_.strict_permissions, text, problem)) {
      diagnostics_.error("error loading config file: " + problem);
      return false;
    }
    Setting tree;
    if (!read_yaml(text, path, tree, diagnostics_)) return false;
    warn_of_replaced_protocols(config.written, tree);
    merge_settings(config.written, std::move(tree));
    config.files.push_back(path);
    return true;
  }

  // A list and a dictionary cannot be put over each other: the later one is all that is left.
  void warn_of_replaced_protocols(const Setting& base, const Setting& overlay) {
    const Setting* old = base.find("packetbeat.protocols");
    const Setting* later = overlay.find("packetbeat.protocols");
    if (old == nullptr || later == nullptr || old->kind() == later->kind() || old->is_null() || later->is_null())
      return;
    diagnostics_.warn(*later, "packetbeat.protocols",
                      later->describe() + " takes the place of " + old->describe() + " written at " +
                          old->place.text() + "; write both in the same form to merge them");
  }

  bool read_builtin(LoadedConfig& config) {
    if (!read_yaml(builtin_config(), std::string(kBuiltinName), config.written, diagnostics_)) return false;
    const bool has_output = std::any_of(request_.overrides.begin(), request_.overrides.end(),
                                        [](const auto& entry) { return entry.first.rfind("output", 0) == 0; });
    if (!has_output)
      config.written.make("output").make("console").make("enabled") = Setting::of_bool(true, config.written.place);
    return true;
  }

  // Every path is shown, as Packetbeat does.
  void set_paths(LoadedConfig& config) {
    Setting& path = config.written.make("path");
    if (!path.is_map() && !path.is_null()) {
      diagnostics_.error(path, "path", path.describe() + ", where path.data and the like are expected");
      return;
    }
    const std::string& home = config.paths.home;
    for (const auto& [name, preset] : {std::pair("home", home), std::pair("config", config.paths.config),
                                       std::pair("data", join(home, "data")), std::pair("logs", join(home, "logs"))}) {
      Setting& setting = path.make(name);
      if (setting.is_null() || setting.scalar_text().empty()) setting = Setting::of_string(preset);
    }
  }

  // keystore.path, else packetbeat.keystore in path.data; of what stands before the secrets are known.
  static void find_keystore(LoadedConfig& config, const Environment& environment) {
    Setting some = Setting::of_map();
    for (const char* name : {"path", "keystore"}) {
      if (const Setting* section = config.written.member(name)) some.make(name) = *section;
    }
    Diagnostics ignored;  // is told when everything is expanded
    expand_settings(some, environment, {}, ignored);
    read_back(some, "keystore.path", config.paths.keystore);
    std::string data;
    read_back(some, "path.data", data);
    if (config.paths.keystore.empty()) config.paths.keystore = join(data, "packetbeat.keystore");
  }

  static void read_back(const Setting& root, std::string_view key, std::string& path) {
    if (const Setting* setting = root.find(key)) path = setting->scalar_text();
  }

  const LoadRequest& request_;
  Diagnostics& diagnostics_;
};

}  // namespace

LoadedConfig load_config(const LoadRequest& request, const Environment& environment, Diagnostics& diagnostics) {
  LoadedConfig config;
  Loader(request, diagnostics).run(environment, config);
  return config;
}

bool parse_override(std::string_view argument, std::pair<std::string, Setting>& override, std::string& problem) {
  static const auto kPlace = std::make_shared<const std::string>("command line");
  const Place place{kPlace, 0, 0};
  const std::size_t equals = argument.find('=');
  override.first = std::string(argument.substr(0, equals));
  const std::string& key = override.first;
  if (key.empty() || key.front() == '.' || key.back() == '.' || key.find("..") != std::string::npos) {
    problem = "'" + std::string(argument) + "' is no override; write key=value";
    return false;
  }
  if (equals == std::string_view::npos) {
    override.second = Setting::of_bool(true, place);
    return true;
  }
  // A value with an expression in it stays text until it is expanded.
  const std::string_view value = argument.substr(equals + 1);
  if (value.rfind("${", 0) == 0) {
    override.second = Setting::of_string(std::string(value), place);
    return true;
  }
  std::string reason;
  if (!parse_flow_value(value, place, override.second, reason)) {
    problem = "'" + std::string(argument) + "': " + reason + "; put the value in quotes if it is a text";
    return false;
  }
  return true;
}

std::string_view builtin_config() {
  return R"(packetbeat.interfaces.device: any
packetbeat.interfaces.internal_networks: [private]
packetbeat.flows:
  timeout: 30s
  period: 10s
packetbeat.protocols:
- type: icmp
  enabled: true
- type: amqp
  ports: [5672]
- type: cassandra
  ports: [9042]
- type: dhcpv4
  ports: [67, 68]
- type: dns
  ports: [53]
- type: http
  ports: [80, 8080, 8000, 5000, 8002]
- type: memcache
  ports: [11211]
- type: mysql
  ports: [3306, 3307]
- type: pgsql
  ports: [5432]
- type: redis
  ports: [6379]
- type: thrift
  ports: [9090]
- type: mongodb
  ports: [27017]
- type: nfs
  ports: [2049]
- type: tls
  ports: [443, 993, 995, 5223, 8443, 8883, 9243]
- type: sip
  ports: [5060]
)";
}

}  // namespace spanbeat
