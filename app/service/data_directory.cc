#include "app/service/data_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "app/config/yaml_reader.h"
#include "app/log/log.h"

namespace spanbeat {
namespace {

using Uuid = std::array<std::uint8_t, 16>;

std::string uuid_text(Uuid uuid, unsigned version) {
  uuid[6] = static_cast<std::uint8_t>((uuid[6] & 0x0fU) | version << 4U);
  uuid[8] = static_cast<std::uint8_t>((uuid[8] & 0x3fU) | 0x80U);
  std::string out;
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out.push_back('-');
    out += fmt::format("{:02x}", uuid[i]);
  }
  return out;
}

bool is_uuid(const std::string& text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : std::strchr("0123456789abcdefABCDEF", text[i]) == nullptr) return false;
  }
  return true;
}

std::string read_small_file(const std::string& path) {
  std::string text(4096, '\0');
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  const ssize_t count = ::read(file, text.data(), text.size());
  ::close(file);
  text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  return text;
}

// Written beside its place and moved there, so that a reader never sees half of it. After a loss of power an empty file
// makes a new id: not worth waiting for the disk at each first start.
bool write_small_file(const std::string& path, const std::string& text, std::string& problem) {
  const std::string beside = path + ".new";
  const int file = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  bool good = file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (file >= 0) good = ::close(file) == 0 && good;
  good = good && ::rename(beside.c_str(), path.c_str()) == 0;
  if (!good) problem = "write " + path + ": " + std::strerror(errno);
  return good;
}

std::string now_text() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return utc_text(now.tv_sec * 1'000'000'000 + now.tv_nsec, 9);
}

// The process that a lock file names; 0: none. Whoever has just taken it may not have written yet.
long holder_of(const std::string& name) {
  const std::string text = read_small_file(name);
  long pid = 0;
  return std::sscanf(text.c_str(), "{\"pid\":%9ld", &pid) == 1 ? pid : 0;
}

}  // namespace

DataDirectory::~DataDirectory() {
  if (lock_ < 0) return;
  ::unlink((std::filesystem::path(path_) / "packetbeat.lock").c_str());
  ::close(lock_);
}

bool DataDirectory::open(const std::string& path, std::string& problem, bool& locked) {
  path_ = path;
  locked = false;
  std::error_code error;
  if (std::filesystem::create_directories(path, error)) ::chmod(path.c_str(), 0750);
  const std::string name = std::filesystem::path(path) / "packetbeat.lock";
  // Whoever ends removes the file; a lock on a removed file is worth nothing, so look whether it is still the one
  // there.
  for (int attempt = 0; attempt < 100; ++attempt) {
    const int file = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) {
      problem = "open " + name + ": " + std::strerror(errno);
      return false;
    }
    if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
      ::close(file);
      locked = true;
      const long holder = holder_of(name);
      problem =
          "data path already locked by another beat. Please make sure that multiple beats are not sharing the same "
          "data path (path.data: " +
          path + (holder > 0 ? ", held by process " + std::to_string(holder) : std::string()) +
          "); give this one another with --path.data";
      return false;
    }
    struct stat held{};
    struct stat there{};
    if (::fstat(file, &held) == 0 && ::stat(name.c_str(), &there) == 0 && held.st_ino == there.st_ino) {
      lock_ = file;
      // For whoever looks: the lock itself is what counts.
      const std::string text = fmt::format("{{\"pid\":{},\"creation_time\":\"{}\"}}\n", ::getpid(), now_text());
      if (::ftruncate(file, 0) != 0 || ::write(file, text.data(), text.size()) < 0)
        log_warn("beat", "write " + name + ": " + std::strerror(errno));
      return true;
    }
    ::close(file);
  }
  problem = "lock " + name + ": it keeps being replaced";
  return false;
}

std::string DataDirectory::agent_id(std::string& problem) {
  const std::string path = std::filesystem::path(path_) / "meta.json";
  const std::string text = read_small_file(path);
  if (!text.empty()) {
    Setting tree;
    Diagnostics diagnostics;  // JSON is YAML
    if (read_yaml(text, path, tree, diagnostics)) {
      const Setting* uuid = tree.member("uuid");
      if (uuid != nullptr && uuid->is_string() && is_uuid(uuid->string())) return uuid->string();
    }
  }
  std::string id = random_uuid();
  const std::string first_start = now_text();
  if (!write_small_file(path, "{\"uuid\":\"" + id + "\",\"first_start\":\"" + first_start + "\"}\n", problem))
    return {};
  return id;
}

std::string random_uuid() {
  Uuid uuid{};
  std::size_t have = 0;
  while (have < uuid.size()) {
    const ssize_t count = ::getrandom(uuid.data() + have, uuid.size() - have, 0);
    if (count > 0) have += static_cast<std::size_t>(count);
    if (count < 0 && errno != EINTR) break;
  }
  return uuid_text(uuid, 4);
}

std::string named_uuid(const std::string& space, const std::string& name) {
  const std::string text = space + "\n" + name;
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  Uuid uuid{};
  std::memcpy(uuid.data(), digest.data(), uuid.size());
  return uuid_text(uuid, 5);
}

}  // namespace spanbeat
