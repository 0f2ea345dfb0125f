// ssl.* of an output (spec/config.md section 11): what was asked for; whoever makes the connection carries it out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/settings.h"

namespace spanbeat {

struct TlsOptions {
  enum class Verification : std::uint8_t {
    full,         // chain, validity and name
    strict,       // the same, and the name must be among the certificate's alternative names
    certificate,  // chain and validity, any name
    none,
  };
  bool enabled = false;  // true when the section is there, unless ssl.enabled is false
  Verification verification = Verification::full;
  std::vector<std::string> authorities;  // each a file, or PEM text
  std::string certificate;               // ours: a file, or PEM text
  std::string key;                       // its key: a file, or PEM text
  std::string passphrase;                // of the key
  int least_version = 0x0303;            // TLS 1.2; 0x0302 is 1.1, 0x0304 is 1.3
  int most_version = 0x0304;
  std::vector<std::string> cipher_suites;  // OpenSSL's names
  std::vector<std::string> curves;         // OpenSSL's names
  std::vector<std::string> ca_sha256;      // base64 SHA-256 of a public key that must be in the chain
  std::string trusted_fingerprint;  // hex SHA-256 of an authority's certificate that is trusted as if it were named

  // PEM text rather than the name of a file.
  [[nodiscard]] static bool is_pem(const std::string& text) { return text.find("-----BEGIN") != std::string::npos; }
};

// Reads `ssl` of the section. Names that are not known, files that cannot be read, and a certificate without its key
// are errors.
void read_tls_options(SettingReader& reader, TlsOptions& options);

}  // namespace spanbeat
