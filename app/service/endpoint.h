// What the program says of itself over HTTP: http.enabled, http.host, http.port.
//
// What:   GET of /, /state, /stats and /dataset (JSON, as libbeat has them; ?pretty indents) and of /metrics
// (Prometheus). Why:    Metricbeat's beat module and Prometheus ask for it; the log tells the same every 30 seconds.
// Limits: plain HTTP without passwords, on loopback unless told otherwise; two requests at once. Pages are made when
// they
//         are asked for, by a thread of the endpoint; they hold numbers and names, never settings.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace spanbeat {

class Endpoint {
 public:
  // Each is called from the endpoint's threads.
  struct Pages {
    std::function<std::string()> about;
    std::function<std::string()> state;
    std::function<std::string()> stats;
    std::function<std::string()> metrics;
  };

  // Serves until it goes. Null, with what failed and the remedy in `problem`.
  [[nodiscard]] static std::unique_ptr<Endpoint> open(const std::string& host, std::uint16_t port, Pages pages,
                                                      std::string& problem);
  ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  // The one asked for, or chosen by the system when that was 0.
  [[nodiscard]] int port() const;

 private:
  struct Impl;
  explicit Endpoint(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace spanbeat
