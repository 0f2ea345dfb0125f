#include "export/net/tls_context.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

namespace spanbeat {
namespace {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Context = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;

// What a message calls a PEM text or a file.
std::string called(const std::string& pem) { return TlsOptions::is_pem(pem) ? "the PEM text given" : pem; }

Bio open_pem(const std::string& pem) {
  return Bio(TlsOptions::is_pem(pem) ? BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))
                                     : BIO_new_file(pem.c_str(), "r"));
}

// OpenSSL would ask the terminal if there were no callback.
int give_passphrase(char* to, int room, int, void* passphrase) {
  const auto& text = *static_cast<const std::string*>(passphrase);
  if (text.size() > static_cast<std::size_t>(room)) return -1;
  std::copy(text.begin(), text.end(), to);
  return static_cast<int>(text.size());
}

std::vector<Certificate> read_certificates(BIO* from) {
  std::vector<Certificate> certificates;
  std::string none;
  while (X509* certificate = PEM_read_bio_X509(from, nullptr, give_passphrase, &none)) {
    certificates.emplace_back(certificate);
  }
  ERR_clear_error();  // the end of the text is an error too
  return certificates;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : ":") + text;
  return all;
}

std::string hex_of(const X509& certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  std::string hex;
  if (X509_digest(&certificate, EVP_sha256(), digest.data(), &size) != 1) return hex;
  constexpr char kDigits[] = "0123456789abcdef";
  for (unsigned int i = 0; i < size; ++i) {
    hex += kDigits[digest[i] >> 4U];
    hex += kDigits[digest[i] & 15U];
  }
  return hex;
}

// Base64 of the SHA-256 of the public key with its algorithm, as ca_sha256 has it.
std::string pin_of(const X509& certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(&certificate), &der);
  if (size <= 0) return {};
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int digest_size = 0;
  const bool made =
      EVP_Digest(der, static_cast<std::size_t>(size), digest.data(), &digest_size, EVP_sha256(), nullptr) == 1;
  OPENSSL_free(der);
  if (!made) return {};
  std::array<unsigned char, 4 * (EVP_MAX_MD_SIZE / 3 + 1) + 1> text{};
  const int length = EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(digest_size));
  return {text.begin(), text.begin() + length};
}

std::string date_of(const ASN1_TIME* time) {
  const Bio text(BIO_new(BIO_s_mem()));
  if (text == nullptr || ASN1_TIME_print(text.get(), time) != 1) return "an unknown date";
  char* data = nullptr;
  const long size = BIO_get_mem_data(text.get(), &data);
  return {data, static_cast<std::size_t>(std::max(size, 0L))};
}

bool same_letters(const std::string& a, const std::string& b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

bool is_address(const std::string& host) {
  std::array<unsigned char, 16> octets{};
  return inet_pton(AF_INET, host.c_str(), octets.data()) == 1 || inet_pton(AF_INET6, host.c_str(), octets.data()) == 1;
}

}  // namespace

TlsContext::TlsContext(TlsOptions options, std::string host) : options_(std::move(options)), host_(std::move(host)) {}

bool TlsContext::check(const TlsOptions& options, std::string& problem) {
  const Context context(SSL_CTX_new(TLS_client_method()));
  TlsContext tls(options, "localhost");
  return context != nullptr && tls.prepare(context.get(), problem);
}

bool TlsContext::prepare(SSL_CTX* context, std::string& problem) {
  ERR_clear_error();
  refusal_.clear();
  if (SSL_CTX_set_min_proto_version(context, options_.least_version) != 1 ||
      SSL_CTX_set_max_proto_version(context, options_.most_version) != 1) {
    problem = "ssl.supported_protocols: the TLS library of this machine has none of these versions";
    return false;
  }
  // TLS 1.1 signs with SHA-1, which OpenSSL allows at its lowest level only.
  if (options_.least_version < TLS1_2_VERSION) SSL_CTX_set_security_level(context, 0);
  if (!options_.cipher_suites.empty() &&
      SSL_CTX_set_cipher_list(context, joined(options_.cipher_suites).c_str()) != 1) {
    problem = "ssl.cipher_suites: the TLS library of this machine has none of these";
    return false;
  }
  if (!options_.curves.empty() && SSL_CTX_set1_groups_list(context, joined(options_.curves).c_str()) != 1) {
    problem = "ssl.curve_types: the TLS library of this machine does not have all of these";
    return false;
  }
  if (!add_authorities(context, problem) || !use_certificate(context, problem) || !expect_name(context, problem)) {
    return false;
  }
  const bool none = options_.verification == TlsOptions::Verification::none;
  SSL_CTX_set_verify(context, none ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(context, verify, this);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  ERR_clear_error();
  return true;
}

bool TlsContext::add_authorities(SSL_CTX* context, std::string& problem) const {
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  // An authority need not be the root: an intermediate one, or the server's own certificate, is trusted when it is
  // named.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  for (const std::string& pem : options_.authorities) {
    const Bio from = open_pem(pem);
    const auto certificates = from == nullptr ? std::vector<Certificate>() : read_certificates(from.get());
    if (certificates.empty()) {
      problem = "ssl.certificate_authorities: " + called(pem) +
                (from == nullptr ? " cannot be read" : " holds no certificate") +
                "; name a PEM file with -----BEGIN CERTIFICATE-----";
      ERR_clear_error();
      return false;
    }
    for (const Certificate& certificate : certificates) (void)X509_STORE_add_cert(store, certificate.get());
  }
  // The system's authorities stand in where none is named, and not where one is named by its fingerprint.
  if (options_.authorities.empty() && options_.trusted_fingerprint.empty()) {
    (void)SSL_CTX_set_default_verify_paths(context);
  }
  return true;
}

bool TlsContext::use_certificate(SSL_CTX* context, std::string& problem) const {
  if (options_.certificate.empty()) return true;
  const Bio from = open_pem(options_.certificate);
  auto certificates = from == nullptr ? std::vector<Certificate>() : read_certificates(from.get());
  if (certificates.empty()) {
    problem = "ssl.certificate: " + called(options_.certificate) +
              (from == nullptr ? " cannot be read" : " holds no certificate") +
              "; name a PEM file with -----BEGIN CERTIFICATE-----";
    ERR_clear_error();
    return false;
  }
  const Bio key_from = open_pem(options_.key);
  std::string passphrase = options_.passphrase;
  const PrivateKey key(
      key_from == nullptr ? nullptr : PEM_read_bio_PrivateKey(key_from.get(), nullptr, give_passphrase, &passphrase));
  OPENSSL_cleanse(passphrase.data(), passphrase.size());
  ERR_clear_error();
  if (key == nullptr) {
    problem = "ssl.key: " + called(options_.key) +
              (key_from == nullptr ? " cannot be read"
                                   : " gives no private key; if it is encrypted, ssl.key_passphrase must be its own");
    return false;
  }
  STACK_OF(X509)* chain = sk_X509_new_null();
  for (std::size_t i = 1; i < certificates.size(); ++i) {
    X509* one = certificates[i].release();
    if (sk_X509_push(chain, one) <= 0) X509_free(one);
  }
  const bool used = SSL_CTX_use_cert_and_key(context, certificates[0].get(), key.get(), chain, 1) == 1;
  sk_X509_pop_free(chain, X509_free);
  if (!used) {
    problem = "ssl.key: " + called(options_.key) + " does not belong to ssl.certificate, or is too weak (" +
              handshake_problem() + ")";
  }
  return used;
}

bool TlsContext::expect_name(SSL_CTX* context, std::string& problem) const {
  const bool strict = options_.verification == TlsOptions::Verification::strict;
  if (!strict && options_.verification != TlsOptions::Verification::full) return true;
  X509_VERIFY_PARAM* parameters = SSL_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_hostflags(
      parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | (strict ? X509_CHECK_FLAG_NEVER_CHECK_SUBJECT : 0U));
  const bool set = is_address(host_) ? X509_VERIFY_PARAM_set1_ip_asc(parameters, host_.c_str()) == 1
                                     : X509_VERIFY_PARAM_set1_host(parameters, host_.c_str(), host_.size()) == 1;
  if (!set) problem = "the host's name " + host_ + " cannot be verified";
  return set;
}

int TlsContext::verify(X509_STORE_CTX* store, void* self) {
  return static_cast<TlsContext*>(self)->accept(store) ? 1 : 0;
}

bool TlsContext::accept(X509_STORE_CTX* store) {
  refusal_.clear();
  if (options_.verification == TlsOptions::Verification::none) return true;
  if (!options_.trusted_fingerprint.empty()) trust_by_fingerprint(store);
  if (X509_verify_cert(store) == 1) {
    if (options_.ca_sha256.empty() || pinned(store)) return true;
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    refusal_ = "no certificate of the server's chain has a public key that ssl.ca_sha256 names";
    return false;
  }
  refusal_ = refusal_of(X509_STORE_CTX_get_error(store), X509_STORE_CTX_get_current_cert(store), host_,
                        options_.trusted_fingerprint.empty()
                            ? kNameTheAuthority
                            : "ssl.ca_trusted_fingerprint is of none of the authorities that the server sent");
  return false;
}

void TlsContext::trust_by_fingerprint(X509_STORE_CTX* store) const {
  STACK_OF(X509)* sent = X509_STORE_CTX_get0_untrusted(store);
  for (int i = 0; i < sk_X509_num(sent); ++i) {
    X509* certificate = sk_X509_value(sent, i);
    if (X509_check_ca(certificate) != 0 && same_letters(hex_of(*certificate), options_.trusted_fingerprint)) {
      (void)X509_STORE_add_cert(X509_STORE_CTX_get0_store(store), certificate);
    }
  }
}

bool TlsContext::pinned(X509_STORE_CTX* store) const {
  STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(store);
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    const std::string pin = pin_of(*sk_X509_value(chain, i));
    if (std::find(options_.ca_sha256.begin(), options_.ca_sha256.end(), pin) != options_.ca_sha256.end()) return true;
  }
  return false;
}

std::string refusal_of(int error, const X509* certificate, const std::string& host, std::string_view unknown) {
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "its certificate expired on " +
             (certificate == nullptr ? "an unknown date" : date_of(X509_get0_notAfter(certificate))) +
             "; renew it, and look at this machine's clock";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "its certificate is not valid before " +
             (certificate == nullptr ? "an unknown date" : date_of(X509_get0_notBefore(certificate))) +
             "; look at this machine's clock";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "its certificate is not for " + host +
             "; name the host as the certificate does, or set ssl.verification_mode: certificate";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return std::string("its certificate is of an unknown authority (") + X509_verify_cert_error_string(error) +
             "); " + std::string(unknown);
    default:
      return std::string("its certificate was refused: ") + X509_verify_cert_error_string(error);
  }
}

std::string TlsContext::handshake_problem() {
  unsigned long error = 0;
  unsigned long last = 0;
  while ((error = ERR_get_error()) != 0) {
    if (last == 0) last = error;
  }
  if (last == 0) return "the server closed the connection; does it expect TLS here?";
  const char* reason = ERR_reason_error_string(last);
  std::string text = reason == nullptr ? "unknown error" : reason;
  if (ERR_GET_LIB(last) != ERR_LIB_SSL) return text;
  switch (ERR_GET_REASON(last)) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
      return text + "; the server does not seem to speak TLS here, so disable ssl or name its TLS port";
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
      return text + "; widen ssl.supported_protocols";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
      return text + "; the server may ask for a client certificate (ssl.certificate and ssl.key) or for other ciphers";
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
      return text +
             "; the server refused the client certificate: ssl.certificate must be of an authority that it knows";
    default:
      return text;
  }
}

}  // namespace spanbeat
