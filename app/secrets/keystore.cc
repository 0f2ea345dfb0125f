#include "app/secrets/keystore.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <simdjson.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <vector>

namespace spanbeat {
namespace {

constexpr std::string_view kVersion = "v1";
constexpr std::size_t kSalt = 64;
constexpr std::size_t kVector = 12;
constexpr std::size_t kTag = 16;
constexpr std::size_t kKey = 32;
constexpr int kIterations = 10'000;
constexpr std::size_t kMostOctets = std::size_t{16} << 20;

using Octets = std::vector<unsigned char>;

Octets of_text(std::string_view text) { return {text.begin(), text.end()}; }

std::string base64(const unsigned char* data, std::size_t size) {
  std::string out(4 * ((size + 2) / 3) + 1, '\0');
  out.resize(static_cast<std::size_t>(
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), data, static_cast<int>(size))));
  return out;
}

bool from_base64(std::string_view text, Octets& out) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  out.resize(text.size() / 4 * 3 + 3);
  const int size = text.size() % 4 != 0
                       ? -1
                       : EVP_DecodeBlock(out.data(), reinterpret_cast<const unsigned char*>(text.data()),
                                         static_cast<int>(text.size()));
  if (size < 0) return false;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  out.resize(static_cast<std::size_t>(size) - padding);
  return true;
}

bool derive(const unsigned char* salt, Octets& key) {
  key.resize(kKey);
  return PKCS5_PBKDF2_HMAC("", 0, salt, static_cast<int>(kSalt), kIterations, EVP_sha512(), static_cast<int>(kKey),
                           key.data()) == 1;
}

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

// `sealed` is salt, vector, ciphertext and tag. False when it is damaged or under another password.
bool open_sealed(const Octets& sealed, Octets& plain) {
  Octets key;
  if (sealed.size() < kSalt + kVector + kTag || !derive(sealed.data(), key)) return false;
  const unsigned char* vector = sealed.data() + kSalt;
  const unsigned char* text = vector + kVector;
  const std::size_t size = sealed.size() - kSalt - kVector - kTag;
  Octets tag(text + size, text + size + kTag);
  plain.resize(size);
  int length = 0;
  const CipherContext context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  return context != nullptr && EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.data(), vector) == 1 &&
         EVP_DecryptUpdate(context.get(), plain.data(), &length, text, static_cast<int>(size)) == 1 &&
         EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(kTag), tag.data()) == 1 &&
         EVP_DecryptFinal_ex(context.get(), plain.data() + length, &length) == 1;
}

bool seal(const Octets& plain, Octets& sealed) {
  sealed.assign(kSalt + kVector + plain.size() + kTag, 0);
  Octets key;
  if (RAND_bytes(sealed.data(), kSalt + kVector) != 1 || !derive(sealed.data(), key)) return false;
  unsigned char* const text = sealed.data() + kSalt + kVector;
  int length = 0;
  const CipherContext context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  return context != nullptr &&
         EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.data(), sealed.data() + kSalt) == 1 &&
         EVP_EncryptUpdate(context.get(), text, &length, plain.data(), static_cast<int>(plain.size())) == 1 &&
         EVP_EncryptFinal_ex(context.get(), text + length, &length) == 1 &&
         EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(kTag), text + plain.size()) == 1;
}

// {"NAME":{"value":"base64"}}
bool parse(const Octets& plain, std::map<std::string, std::string>& secrets) {
  const simdjson::padded_string padded(reinterpret_cast<const char*>(plain.data()), plain.size());
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(padded).get(object) != simdjson::SUCCESS) return false;
  for (const auto& [name, member] : object) {
    std::string_view value;
    Octets octets;
    if (member["value"].get(value) != simdjson::SUCCESS || !from_base64(value, octets)) return false;
    secrets[std::string(name)] = std::string(octets.begin(), octets.end());
  }
  return true;
}

std::string json_text(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20) {
      out += std::string("\\u00") + kHex[(c >> 4) & 15] + kHex[c & 15];
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + "\"";
}

bool read_whole(int file, std::string& text) {
  char buffer[4096];
  while (true) {
    const ssize_t count = ::read(file, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count == 0;
    text.append(buffer, static_cast<std::size_t>(count));
    if (text.size() > kMostOctets) {
      errno = EFBIG;
      return false;
    }
  }
}

bool write_whole(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(file, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return ::fsync(file) == 0;
}

}  // namespace

bool Keystore::exists() const { return ::access(path_.c_str(), F_OK) == 0; }

bool Keystore::load(std::string& problem) {
  secrets_.clear();
  const int file = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 && errno == ENOENT) return true;
  const auto refuse = [&](const std::string& what) {
    problem = "keystore " + path_ + ": " + what;
    if (file >= 0) ::close(file);
    return false;
  };
  if (file < 0) return refuse(std::strerror(errno));
  struct stat info{};
  if (::fstat(file, &info) == 0 && (info.st_mode & 0077) != 0) {
    return refuse("others may read it; to mend this: chmod 600 " + path_);
  }
  std::string text;
  if (!read_whole(file, text)) return refuse(std::strerror(errno));
  if (!std::string_view(text).starts_with(kVersion)) return refuse("is no keystore, or one of a later version");
  Octets sealed;
  Octets plain;
  if (!from_base64(std::string_view(text).substr(kVersion.size()), sealed) || !open_sealed(sealed, plain) ||
      !parse(plain, secrets_)) {
    secrets_.clear();
    return refuse("is damaged; bring back a copy, or make a new one with 'keystore create --force'");
  }
  ::close(file);
  return true;
}

bool Keystore::save(std::string& problem) const {
  std::string json = "{";
  for (const auto& [name, value] : secrets_) {
    const Octets octets = of_text(value);
    json += (json.size() > 1 ? "," : "") + json_text(name) + ":{\"value\":\"" + base64(octets.data(), octets.size()) +
            "\"}";
  }
  json += "}";
  Octets sealed;
  if (!seal(of_text(json), sealed)) {
    problem = "keystore: encryption failed";
    return false;
  }
  const std::string text = std::string(kVersion) + base64(sealed.data(), sealed.size());
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), error);
  const std::string part = path_ + ".new";
  const int file = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const bool written = file >= 0 && ::fchmod(file, 0600) == 0 && write_whole(file, text);
  const int reason = errno;
  if (file >= 0) ::close(file);
  if (written && std::rename(part.c_str(), path_.c_str()) == 0) return true;
  problem = "keystore " + path_ + ": " + std::strerror(written ? errno : reason);
  if (file >= 0) ::unlink(part.c_str());
  return false;
}

}  // namespace spanbeat
