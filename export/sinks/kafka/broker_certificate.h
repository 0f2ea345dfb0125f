// Why a broker's certificate was refused, in words for the operator: librdkafka itself tells only that one was.
//
// Limits: librdkafka's threads write, any thread reads. A refusal is told once.
#pragma once

#include <mutex>
#include <string>

struct rd_kafka_s;

namespace spanbeat {

class BrokerCertificate {
 public:
  // What librdkafka's callback is given: 1 when the certificate is good, else 0, and why is kept.
  [[nodiscard]] int verify(const char* broker, int error, const char* der, std::size_t size);
  // Puts the refusal in the place of what librdkafka says, or, when the broker refused us, the remedy behind it. False
  // when it is about no certificate.
  [[nodiscard]] bool explain(std::string& text);

 private:
  std::mutex mutex_;
  std::string refusal_;
};

}  // namespace spanbeat
