// TLS as `ssl.*` asks for it, put into an OpenSSL context: for our own connections and for libcurl's.
//
// What:   prepare() readies a context (authorities, client certificate, versions, ciphers, curves, and how the server's
//         certificate is verified, its name included); refusal() says afterwards why a certificate was refused, and
//         what to do.
// Why:    one meaning of `ssl.*` for all outputs, and one set of messages.
// Limits: one thread and one handshake at a time; the object must outlive the connections made with the context. Files
//         are read at each prepare(), so that a certificate that was renewed is seen at the next connection.
#pragma once

#include <openssl/ossl_typ.h>

#include <string>
#include <string_view>

#include "export/net/tls_options.h"

namespace spanbeat {

// Why a certificate of `host` was refused with an error of OpenSSL (X509_V_ERR_…), and what to do. `unknown` is the
// remedy for an authority that is not known.
[[nodiscard]] std::string refusal_of(int error, const X509* certificate, const std::string& host,
                                     std::string_view unknown);
inline constexpr std::string_view kNameTheAuthority = "name the authority's certificate in ssl.certificate_authorities";

class TlsContext {
 public:
  // `host` is the server's name or address, IPv6 without brackets.
  TlsContext(TlsOptions options, std::string host);
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // False, with the reason and remedy in `problem`, when a file cannot be read or an option cannot be had. Whoever lets
  // libcurl use the context leaves all verification to it (VERIFYPEER and VERIFYHOST 0).
  [[nodiscard]] bool prepare(SSL_CTX* context, std::string& problem);
  // The same with a context that is thrown away: whether the options can work at all.
  [[nodiscard]] static bool check(const TlsOptions& options, std::string& problem);

  // Why the certificate was refused in the last handshake; empty when it was not.
  [[nodiscard]] const std::string& refusal() const { return refusal_; }
  // For a handshake that failed otherwise: what OpenSSL's queue of errors holds, and what to do. Empties the queue.
  [[nodiscard]] static std::string handshake_problem();

  [[nodiscard]] const TlsOptions& options() const { return options_; }
  [[nodiscard]] const std::string& host() const { return host_; }

 private:
  static int verify(X509_STORE_CTX* store, void* self);
  [[nodiscard]] bool accept(X509_STORE_CTX* store);
  [[nodiscard]] bool pinned(X509_STORE_CTX* store) const;
  void trust_by_fingerprint(X509_STORE_CTX* store) const;
  [[nodiscard]] bool add_authorities(SSL_CTX* context, std::string& problem) const;
  [[nodiscard]] bool use_certificate(SSL_CTX* context, std::string& problem) const;
  [[nodiscard]] bool expect_name(SSL_CTX* context, std::string& problem) const;

  const TlsOptions options_;
  const std::string host_;
  std::string refusal_;
};

}  // namespace spanbeat
