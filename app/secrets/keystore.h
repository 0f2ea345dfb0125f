// The keystore: secrets that ${NAME} in the configuration stands for, in an encrypted file (spec/config.md section 1).
//
// What:   the file of Packetbeat: "v1", then in base64 a salt (64 octets), an initialisation vector (12) and the
// secrets
//         as JSON under AES-256-GCM, with a key derived by PBKDF2-SHA512 of an empty password.
// Why:    passwords stay out of configuration files and their backups; an existing keystore goes on being used.
// Limits: whoever can read the file can read the secrets: what protects them is its mode, 0600, which is insisted on.
#pragma once

#include <map>
#include <string>

namespace spanbeat {

class Keystore {
 public:
  explicit Keystore(std::string path) : path_(std::move(path)) {}

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] bool exists() const;
  // Reads the file. False, with `problem` and its remedy, when it is there and cannot be used; none is an empty one.
  [[nodiscard]] bool load(std::string& problem);
  // Writes all secrets to a file that takes the old one's place at once. False, with `problem`.
  [[nodiscard]] bool save(std::string& problem) const;

  [[nodiscard]] std::map<std::string, std::string>& secrets() { return secrets_; }

 private:
  std::string path_;
  std::map<std::string, std::string> secrets_;  // by name
};

}  // namespace spanbeat
