#include "export/sinks/kafka/broker_certificate.h"

#include <openssl/x509.h>

#include <memory>
#include <utility>

#include "export/net/tls_context.h"

namespace spanbeat {

int BrokerCertificate::verify(const char* broker, int error, const char* der, std::size_t size) {
  if (error == X509_V_OK) return 1;
  const auto* octets = reinterpret_cast<const unsigned char*>(der);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(d2i_X509(nullptr, &octets, static_cast<long>(size)),
                                                                X509_free);
  const std::string name = broker;  // HOST:PORT
  const std::string why = refusal_of(error, certificate.get(), name.substr(0, name.rfind(':')), kNameTheAuthority);
  const std::lock_guard lock(mutex_);
  refusal_ = name + ": " + why;
  return 0;
}

bool BrokerCertificate::explain(std::string& text) {
  const std::lock_guard lock(mutex_);
  if (!refusal_.empty()) {
    text = std::exchange(refusal_, {});
    return true;
  }
  if (text.find("SSL alert number") == std::string::npos) return false;
  text +=
      "; the broker refused the client certificate or wants one: ssl.certificate and ssl.key must be of an authority "
      "that it knows";
  return true;
}

}  // namespace spanbeat
