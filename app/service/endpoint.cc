#include "app/service/endpoint.h"

#include <fmt/format.h>
#include <httplib.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

#include "export/json/value_writer.h"

namespace spanbeat {
namespace {

constexpr time_t kSeconds = 2;  // that a silent client is waited for
constexpr std::size_t kThreads = 2;
constexpr std::size_t kLongestBody = 4096;  // nothing is done with one

}  // namespace

struct Endpoint::Impl {
  explicit Impl(Pages made) : pages(std::move(made)) {
    server.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    // A second instance must not share the port in silence.
    server.set_socket_options([](socket_t socket) {
      const int yes = 1;
      (void)::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    server.set_keep_alive_max_count(1);
    server.set_keep_alive_timeout(kSeconds);
    server.set_read_timeout(kSeconds);
    server.set_write_timeout(kSeconds);
    server.set_payload_max_length(kLongestBody);
    json("/", [this] { return pages.about(); });
    json("/state", [this] { return pages.state(); });
    json("/stats", [this] { return pages.stats(); });
    json("/dataset", [] { return std::string("null"); });
    server.Get("/metrics", [this](const httplib::Request&, httplib::Response& answer) {
      answer.set_content(pages.metrics(), "text/plain; version=0.0.4; charset=utf-8");
    });
    server.set_error_handler([](const httplib::Request&, httplib::Response& answer) {
      if (answer.status == 404) answer.set_content("404 page not found\n", "text/plain; charset=utf-8");
    });
  }

  void json(const char* path, std::function<std::string()> make) {
    server.Get(path, [make = std::move(make)](const httplib::Request& request, httplib::Response& answer) {
      std::string text = make();
      if (request.has_param("pretty")) {
        TextBuffer indented;
        append_indented(indented, text);
        text = std::string(indented.view());
      }
      answer.set_content(text + "\n", "application/json; charset=utf-8");
    });
  }

  bool bind(const std::string& host, std::uint16_t wanted) {
    if (wanted != 0) {
      port = wanted;
      return server.bind_to_port(host, wanted);
    }
    port = server.bind_to_any_port(host);
    return port > 0;
  }

  Pages pages;
  httplib::Server server;
  int port = 0;
  std::thread thread;
  std::atomic<bool> done{false};
};

std::unique_ptr<Endpoint> Endpoint::open(const std::string& host, std::uint16_t port, Pages pages,
                                         std::string& problem) {
  if (host.rfind("unix:", 0) == 0 || host.rfind("npipe:", 0) == 0) {
    problem = "http.host " + host + ": sockets in the file system are not served; name an address such as localhost";
    return nullptr;
  }
  auto impl = std::make_unique<Impl>(std::move(pages));
  // As Go has it: localhost is 127.0.0.1, where there is one.
  if (host == "localhost") impl->server.set_address_family(AF_INET);
  errno = 0;
  if (!impl->bind(host, port)) {
    problem = fmt::format("http.host {}, http.port {}: cannot listen there{}{}; choose another with http.port", host,
                          port, errno != 0 ? ": " : "", errno != 0 ? std::strerror(errno) : "");
    return nullptr;
  }
  impl->thread = std::thread([made = impl.get()] {
    (void)made->server.listen_after_bind();
    made->done.store(true);
  });
  return std::unique_ptr<Endpoint>(new Endpoint(std::move(impl)));
}

Endpoint::Endpoint(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Endpoint::~Endpoint() {
  // A server that has not begun to listen would not see that it is to stop.
  while (!impl_->server.is_running() && !impl_->done.load()) std::this_thread::yield();
  impl_->server.stop();
  impl_->thread.join();
}

int Endpoint::port() const { return impl_->port; }

}  // namespace spanbeat
