// ssl.*: every option is read, and what cannot be meant is refused before anything is connected.
#include "export/net/tls_options.h"

#include <gtest/gtest.h>

#include <fstream>

#include "export/processors/testing.h"
#include "export/testing.h"

namespace spanbeat {
namespace {

using testing::findings_of;
using testing::setting_of;
using testing::TemporaryFolder;

struct Read {
  TlsOptions options;
  std::string findings;
};

// `text`: the members of `ssl`.
Read read_section(std::string_view text) {
  const Setting setting = setting_of(text);
  Diagnostics diagnostics;
  SettingReader reader(&setting, "output.logstash", diagnostics);
  Read made;
  read_tls_options(reader, made.options);
  made.findings = findings_of(diagnostics);
  return made;
}
Read read(const std::string& members) { return read_section("{\"ssl\": {" + members + "}}"); }

constexpr const char* kPem = "-----BEGIN CERTIFICATE-----";

TEST(TlsOptionsRead, TheSectionItselfSwitchesTlsOn) {
  EXPECT_FALSE(read_section("{}").options.enabled);
  EXPECT_FALSE(read_section(R"({"ssl": null})").options.enabled);
  EXPECT_TRUE(read("").options.enabled);
  EXPECT_TRUE(read(R"("verification_mode": "full")").options.enabled);
  EXPECT_FALSE(read(R"("enabled": false, "verification_mode": "none")").options.enabled);
  EXPECT_EQ(read_section(R"({"ssl": "yes"})").findings, "error: settings: output.logstash.ssl: must be a section\n");
}

TEST(TlsOptionsRead, HowTheCertificateIsVerified) {
  EXPECT_EQ(read("").options.verification, TlsOptions::Verification::full) << "unless something else is asked for";
  EXPECT_EQ(read(R"("verification_mode": "full")").options.verification, TlsOptions::Verification::full);
  EXPECT_EQ(read(R"("verification_mode": "strict")").options.verification, TlsOptions::Verification::strict);
  EXPECT_EQ(read(R"("verification_mode": "certificate")").options.verification, TlsOptions::Verification::certificate);
  EXPECT_EQ(read(R"("verification_mode": "none")").options.verification, TlsOptions::Verification::none);
  const auto [options, findings] = read(R"("verification_mode": "off")");
  EXPECT_TRUE(findings.starts_with("error: settings: output.logstash.ssl.verification_mode:")) << findings;
  EXPECT_EQ(options.verification, TlsOptions::Verification::full);
}

TEST(TlsOptionsRead, FilesAreNamedOrWrittenOut) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/ca.pem";
  std::ofstream(path) << kPem;
  const auto [options, findings] =
      read("\"certificate_authorities\": [\"" + path + "\", \"" + kPem + "\"], \"certificate\": \"" + kPem +
           "\", \"key\": \"-----BEGIN KEY-----\", \"key_passphrase\": \"secret\"");
  EXPECT_EQ(findings, "");
  EXPECT_EQ(options.authorities, (std::vector<std::string>{path, kPem}));
  EXPECT_EQ(options.certificate, kPem);
  EXPECT_EQ(options.key, "-----BEGIN KEY-----");
  EXPECT_EQ(options.passphrase, "secret");
}

TEST(TlsOptionsRead, AFileThatIsNotThereIsToldAtOnce) {
  for (const char* name : {"certificate_authorities", "certificate", "key"}) {
    const std::string findings = read(std::string("\"") + name + "\": \"/no/such/file\"").findings;
    EXPECT_NE(findings.find(std::string("error: settings: output.logstash.ssl.") + name +
                            ": cannot read /no/such/file: No such file or directory; name a PEM file, or write the PEM"
                            " text itself\n"),
              std::string::npos)
        << findings;
  }
}

TEST(TlsOptionsRead, ACertificateNeedsItsKeyAndTheKeyItsCertificate) {
  EXPECT_EQ(read(std::string("\"certificate\": \"") + kPem + "\"").findings,
            "error: settings: output.logstash.ssl.key: missing; a client certificate needs both certificate and key\n");
  EXPECT_EQ(read(std::string("\"key\": \"") + kPem + "\"").findings,
            "error: settings: output.logstash.ssl.certificate: missing; a client certificate needs both certificate and"
            " key\n");
}

TEST(TlsOptionsRead, TheVersionsFromTheLeastToTheMost) {
  const TlsOptions preset = read("").options;
  EXPECT_EQ(preset.least_version, 0x303);
  EXPECT_EQ(preset.most_version, 0x304);
  const TlsOptions both = read(R"("supported_protocols": ["TLSv1.2", "TLSv1.1", "TLSv1.3", "TLSv1.2"])").options;
  EXPECT_EQ(both.least_version, 0x302);
  EXPECT_EQ(both.most_version, 0x304);
  EXPECT_EQ(read(R"("supported_protocols": "TLSv1.2")").options.most_version, 0x303);
  for (const char* old : {"SSLv3", "TLSv1.0", "TLSv1", "TLSv1.4"}) {
    const auto [options, findings] = read(std::string(R"("supported_protocols": [")") + old + "\"]");
    EXPECT_EQ(findings, std::string("error: settings: output.logstash.ssl.supported_protocols: \"") + old +
                            "\" is not supported; there are TLSv1.1, TLSv1.2 and TLSv1.3\n");
    EXPECT_EQ(options.least_version, 0x303) << "a refusal changes nothing";
  }
}

TEST(TlsOptionsRead, CiphersAndCurvesHaveBeatsNames) {
  const auto [options, findings] =
      read(R"("cipher_suites": ["ECDHE-RSA-AES-256-GCM-SHA384", "RSA-AES-128-CBC-SHA", "TLS-AES-128-GCM-SHA256"],
              "curve_types": ["X25519", "P-384"])");
  EXPECT_EQ(findings, "");
  EXPECT_EQ(options.cipher_suites, (std::vector<std::string>{"ECDHE-RSA-AES256-GCM-SHA384", "AES128-SHA"}))
      << "those of TLS 1.3 are always on";
  EXPECT_EQ(options.curves, (std::vector<std::string>{"X25519", "P-384"}));
  EXPECT_TRUE(read(R"("cipher_suites": "ECDHE-RSA-RC4-128-SHA")")
                  .findings.starts_with("error: settings: output.logstash.ssl.cipher_suites: \"ECDHE-RSA-RC4-128-SHA\""
                                        " is not known here; there are ECDHE-ECDSA-AES-128-CBC-SHA, "));
  EXPECT_EQ(read(R"("curve_types": ["P-224"])").findings,
            "error: settings: output.logstash.ssl.curve_types: \"P-224\" is not known here; there are P-256, P-384,"
            " P-521, X25519\n");
}

TEST(TlsOptionsRead, FingerprintsAreSixtyFourDigitsWithOrWithoutColons) {
  const std::string digits(64, 'a');
  std::string colons;
  for (int i = 0; i < 32; ++i) colons += i == 0 ? "aa" : ":aa";
  for (const std::string& text : {digits, colons}) {
    const auto [options, findings] = read("\"ca_trusted_fingerprint\": \"" + text + "\"");
    EXPECT_EQ(findings, "");
    EXPECT_EQ(options.trusted_fingerprint, digits);
  }
  for (const std::string& text : {digits + "a", digits.substr(1), digits.substr(1) + "g"}) {
    EXPECT_EQ(read("\"ca_trusted_fingerprint\": \"" + text + "\"").findings,
              "error: settings: output.logstash.ssl.ca_trusted_fingerprint: is no SHA-256 in hexadecimal (64"
              " digits)\n");
  }
  EXPECT_EQ(read(R"("ca_sha256": "YWJj")").options.ca_sha256, std::vector<std::string>{"YWJj"});
}

TEST(TlsOptionsRead, WhatHasNoEffectOrIsNotKnownIsTold) {
  EXPECT_EQ(read(R"("renegotiation": "never")").findings, "");
  EXPECT_EQ(read(R"("renegotiation": "freely")").findings,
            "warning: settings: output.logstash.ssl.renegotiation: has no effect; renegotiation is left to OpenSSL\n");
  const std::string findings = read(R"("certificate_authority": "x")").findings;
  EXPECT_TRUE(findings.starts_with("warning: settings: output.logstash.ssl.certificate_authority:")) << findings;
  EXPECT_NE(findings.find("certificate_authorities"), std::string::npos) << "the nearest name is told: " << findings;
}

}  // namespace
}  // namespace spanbeat
