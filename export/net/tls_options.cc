#include "export/net/tls_options.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace spanbeat {
namespace {

struct Named {
  const char* beats;
  const char* openssl;
};

// Beats' names of cipher suites that are still to be had, and OpenSSL's. The three of TLS 1.3 are always on, as in
// Beats.
constexpr Named kCipherSuites[] = {
    {"ECDHE-ECDSA-AES-128-CBC-SHA", "ECDHE-ECDSA-AES128-SHA"},
    {"ECDHE-ECDSA-AES-128-CBC-SHA256", "ECDHE-ECDSA-AES128-SHA256"},
    {"ECDHE-ECDSA-AES-128-GCM-SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {"ECDHE-ECDSA-AES-256-CBC-SHA", "ECDHE-ECDSA-AES256-SHA"},
    {"ECDHE-ECDSA-AES-256-GCM-SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {"ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-CHACHA20-POLY1305"},
    {"ECDHE-RSA-AES-128-CBC-SHA", "ECDHE-RSA-AES128-SHA"},
    {"ECDHE-RSA-AES-128-CBC-SHA256", "ECDHE-RSA-AES128-SHA256"},
    {"ECDHE-RSA-AES-128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"},
    {"ECDHE-RSA-AES-256-CBC-SHA", "ECDHE-RSA-AES256-SHA"},
    {"ECDHE-RSA-AES-256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384"},
    {"ECDHE-RSA-CHACHA20-POLY1205", "ECDHE-RSA-CHACHA20-POLY1305"},  // as Beats spells it
    {"ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305"},
    {"RSA-AES-128-CBC-SHA", "AES128-SHA"},
    {"RSA-AES-128-CBC-SHA256", "AES128-SHA256"},
    {"RSA-AES-128-GCM-SHA256", "AES128-GCM-SHA256"},
    {"RSA-AES-256-CBC-SHA", "AES256-SHA"},
    {"RSA-AES-256-GCM-SHA384", "AES256-GCM-SHA384"},
    {"TLS-AES-128-GCM-SHA256", ""},
    {"TLS-AES-256-GCM-SHA384", ""},
    {"TLS-CHACHA20-POLY1305-SHA256", ""},
};
constexpr Named kCurves[] = {{"P-256", "P-256"}, {"P-384", "P-384"}, {"P-521", "P-521"}, {"X25519", "X25519"}};

struct Version {
  const char* name;
  int number;  // 0: refused
};
constexpr Version kVersions[] = {{"SSLv3", 0},       {"SSLv3.0", 0},     {"TLSv1", 0},      {"TLSv1.0", 0},
                                 {"TLSv1.1", 0x302}, {"TLSv1.2", 0x303}, {"TLSv1.3", 0x304}};

template <std::size_t N>
void read_named(SettingReader& reader, std::string_view name, const Named (&known)[N], std::vector<std::string>& out) {
  std::vector<std::string> given;
  reader.read(name, given);
  for (const std::string& text : given) {
    const auto* found =
        std::find_if(std::begin(known), std::end(known), [&](const Named& n) { return text == n.beats; });
    if (found != std::end(known)) {
      if (found->openssl[0] != '\0') out.emplace_back(found->openssl);
      continue;
    }
    std::string all;
    for (const Named& n : known) all += (all.empty() ? "" : ", ") + std::string(n.beats);
    reader.diagnostics().error(*reader.raw(name), reader.key(name),
                               "\"" + text + "\" is not known here; there are " + all);
  }
}

void read_versions(SettingReader& reader, TlsOptions& options) {
  std::vector<std::string> given;
  reader.read("supported_protocols", given);
  int least = 0;
  int most = 0;
  for (const std::string& text : given) {
    const auto* found =
        std::find_if(std::begin(kVersions), std::end(kVersions), [&](const Version& v) { return text == v.name; });
    if (found == std::end(kVersions) || found->number == 0) {
      reader.diagnostics().error(*reader.raw("supported_protocols"), reader.key("supported_protocols"),
                                 "\"" + text + "\" is not supported; there are TLSv1.1, TLSv1.2 and TLSv1.3");
      continue;
    }
    least = least == 0 ? found->number : std::min(least, found->number);
    most = std::max(most, found->number);
  }
  if (least != 0) {
    options.least_version = least;
    options.most_version = most;
  }
}

void check_file(SettingReader& reader, std::string_view name, const std::string& file) {
  if (file.empty() || TlsOptions::is_pem(file)) return;
  if (::access(file.c_str(), R_OK) != 0) {
    reader.diagnostics().error(
        *reader.raw(name), reader.key(name),
        "cannot read " + file + ": " + std::strerror(errno) + "; name a PEM file, or write the PEM text itself");
  }
}

}  // namespace

void read_tls_options(SettingReader& outer, TlsOptions& options) {
  const Setting* section = outer.raw("ssl");
  if (section == nullptr || section->is_null()) return;
  if (!section->is_map()) {
    outer.diagnostics().error(*section, outer.key("ssl"), "must be a section");
    return;
  }
  SettingReader reader(section, outer.key("ssl"), outer.diagnostics());
  options.enabled = true;
  reader.read("enabled", options.enabled);
  int verification = 0;
  reader.read_choice("verification_mode", {"full", "strict", "certificate", "none"}, verification);
  options.verification = static_cast<TlsOptions::Verification>(verification);
  reader.read("certificate_authorities", options.authorities);
  reader.read("certificate", options.certificate);
  reader.read("key", options.key);
  reader.read("key_passphrase", options.passphrase);
  read_versions(reader, options);
  read_named(reader, "cipher_suites", kCipherSuites, options.cipher_suites);
  read_named(reader, "curve_types", kCurves, options.curves);
  reader.read("ca_sha256", options.ca_sha256);
  reader.read("ca_trusted_fingerprint", options.trusted_fingerprint);
  // A server that asks for a renegotiation is refused whatever is said here: TLS 1.3 has none, and OpenSSL answers
  // none.
  int renegotiation = 0;
  reader.read_choice("renegotiation", {"never", "once", "freely"}, renegotiation);
  if (renegotiation != 0) {
    reader.diagnostics().warn(*reader.raw("renegotiation"), reader.key("renegotiation"),
                              "has no effect; renegotiation is left to OpenSSL");
  }
  for (const std::string& file : options.authorities) check_file(reader, "certificate_authorities", file);
  check_file(reader, "certificate", options.certificate);
  check_file(reader, "key", options.key);
  if (options.certificate.empty() != options.key.empty()) {
    const char* missing = options.key.empty() ? "key" : "certificate";
    reader.diagnostics().error(*section, reader.key(missing),
                               "missing; a client certificate needs both certificate and key");
  }
  auto& print = options.trusted_fingerprint;
  print.erase(std::remove(print.begin(), print.end(), ':'), print.end());
  if (!print.empty() &&
      (print.size() != 64 || print.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos)) {
    reader.diagnostics().error(*reader.raw("ca_trusted_fingerprint"), reader.key("ca_trusted_fingerprint"),
                               "is no SHA-256 in hexadecimal (64 digits)");
  }
  reader.warn_unknown();
}

}  // namespace spanbeat
