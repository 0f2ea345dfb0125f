#include "export/net/http_client.h"

#include <curl/curl.h>
#include <openssl/evp.h>
#include <zlib.h>

#include <algorithm>
#include <mutex>

namespace spanbeat {
namespace {

constexpr int kPollMilliseconds = 1000;
// A connection that cannot be made in this time will not be made.
constexpr long kConnectMilliseconds = 30'000;

std::string base64(std::string_view text) {
  std::string out(4 * ((text.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

std::size_t on_body(const char* data, std::size_t size, std::size_t count, void* to) {
  auto& body = *static_cast<std::string*>(to);
  if (body.size() + size * count > HttpClient::kMostReply) return 0;
  body.append(data, size * count);
  return size * count;
}

const char* remedy(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return "; see that the name is right and that a name server knows it";
    case CURLE_COULDNT_RESOLVE_PROXY:
      return "; see proxy_url";
    case CURLE_COULDNT_CONNECT:
      return "; is the server running and listening on that port?";
    case CURLE_OPERATION_TIMEDOUT:
      return "; see that the server is not overloaded, or raise timeout";
    case CURLE_WRITE_ERROR:
      return "; the reply is larger than 64 MiB: this is no Elasticsearch";
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return "; see that an HTTP server listens at this port, and whether it wants https";
    case CURLE_GOT_NOTHING:
      return "; if the server speaks TLS, write https";
    default:
      return "";
  }
}

}  // namespace

struct HttpClient::State {
  CURLM* multi = nullptr;
  CURL* easy = nullptr;
  curl_slist* headers = nullptr;
  curl_slist* headers_of_body = nullptr;
  curl_slist* proxy_headers = nullptr;
  std::unique_ptr<TlsContext> tls;
  std::string tls_problem;
  char error[CURL_ERROR_SIZE] = {};

  ~State() {
    if (easy != nullptr) {
      (void)curl_multi_remove_handle(multi, easy);
      curl_easy_cleanup(easy);
    }
    if (multi != nullptr) (void)curl_multi_cleanup(multi);
    curl_slist_free_all(headers);
    curl_slist_free_all(headers_of_body);
    curl_slist_free_all(proxy_headers);
  }

  static CURLcode on_context(CURL*, void* context, void* self) {
    auto& state = *static_cast<State*>(self);
    return state.tls->prepare(static_cast<SSL_CTX*>(context), state.tls_problem) ? CURLE_OK : CURLE_SSL_CERTPROBLEM;
  }
};

HttpClient::HttpClient(const HttpOptions& options, Host host, const Interrupt& interrupt)
    : options_(options), host_(std::move(host)), interrupt_(interrupt) {
  static std::once_flag once;
  std::call_once(once, [] { (void)curl_global_init(CURL_GLOBAL_DEFAULT); });
}

HttpClient::~HttpClient() = default;

std::string HttpClient::url() const {
  std::string path = host_.path;
  while (path.ends_with('/')) path.pop_back();
  return host_.scheme + "://" + host_.address() + path;
}

void HttpClient::disconnect() { state_.reset(); }

bool HttpClient::make_handle(std::string& problem) {
  if (state_ != nullptr) return true;
  auto state = std::make_unique<State>();
  state->multi = curl_multi_init();
  state->easy = curl_easy_init();
  if (state->multi == nullptr || state->easy == nullptr) {
    problem = "no memory for a connection";
    return false;
  }
  CURL* easy = state->easy;
  const auto header = [](curl_slist*& list, const std::string& text) {
    if (curl_slist* more = curl_slist_append(list, text.c_str())) list = more;
  };
  for (curl_slist** list : {&state->headers, &state->headers_of_body}) {
    header(*list, "Accept: application/json");
    header(*list, "Expect:");
    // A user and password in the URL of the host count before those of the section.
    const std::string& user = host_.user.empty() ? options_.username : host_.user;
    const std::string& password = host_.user.empty() ? options_.password : host_.password;
    if (!user.empty()) {
      header(*list, "Authorization: Basic " + base64(user + ":" + password));
    } else if (!options_.api_key.empty()) {
      header(*list, "Authorization: ApiKey " + base64(options_.api_key));
    }
    for (const auto& [name, value] : options_.headers) header(*list, value.empty() ? name + ";" : name + ": " + value);
  }
  if (options_.compression_level > 0) header(state->headers_of_body, "Content-Encoding: gzip");
  for (const auto& [name, value] : options_.proxy_headers) header(state->proxy_headers, name + ": " + value);
  (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  // A name that is being looked up does not hold up the end.
  (void)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, state->error);
  (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, "Elastic-packetbeat/8.1.0 (linux; amd64; spanbeat)");
  (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(options_.timeout / kMillisecond));
  (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, kConnectMilliseconds);
  (void)curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 512L << 10);
  (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  if (options_.proxy_disable) {
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
  } else if (!options_.proxy_url.empty()) {
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, options_.proxy_url.c_str());
    (void)curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
  }
  if (state->proxy_headers != nullptr) (void)curl_easy_setopt(easy, CURLOPT_PROXYHEADER, state->proxy_headers);
  if (host_.scheme == "https") {
    TlsOptions tls = options_.tls;
    tls.enabled = true;
    state->tls = std::make_unique<TlsContext>(std::move(tls), host_.name);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    // A resumed session is not verified again.
    (void)curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, State::on_context);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, state.get());
  }
  state_ = std::move(state);
  return true;
}

bool HttpClient::compress(std::string_view body) {
  z_stream stream{};
  constexpr int kGzip = 15 + 16;
  if (deflateInit2(&stream, options_.compression_level, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) != Z_OK) return false;
  compressed_.resize(deflateBound(&stream, body.size()));
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
  stream.avail_in = static_cast<uInt>(body.size());
  stream.next_out = reinterpret_cast<Bytef*>(compressed_.data());
  stream.avail_out = static_cast<uInt>(compressed_.size());
  const bool good = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  compressed_.resize(stream.total_out);
  (void)deflateEnd(&stream);
  return good;
}

HttpReply HttpClient::request(const char* method, std::string_view path, std::string_view body, std::string_view type) {
  HttpReply reply;
  if (!make_handle(reply.problem)) return reply;
  State& state = *state_;
  CURL* easy = state.easy;
  const bool has_body = !type.empty();
  if (has_body && options_.compression_level > 0) {
    if (!compress(body)) {
      reply.problem = "the request cannot be compressed";
      return reply;
    }
    body = compressed_;
  }
  sent_ = body.size();
  const std::string whole = url() + std::string(path);
  (void)curl_easy_setopt(easy, CURLOPT_URL, whole.c_str());
  (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, &reply.body);
  curl_slist* with_type = nullptr;
  if (has_body) {
    for (const curl_slist* one = state.headers_of_body; one != nullptr; one = one->next) {
      if (curl_slist* more = curl_slist_append(with_type, one->data)) with_type = more;
    }
    const std::string text = "Content-Type: " + std::string(type);
    if (curl_slist* more = curl_slist_append(with_type, text.c_str())) with_type = more;
    const char* const octets = body.data();
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, octets);
  } else {
    (void)curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
  }
  const bool head = std::string_view(method) == "HEAD";
  (void)curl_easy_setopt(easy, CURLOPT_NOBODY, head ? 1L : 0L);
  (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, head ? nullptr : method);
  (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, has_body ? with_type : state.headers);
  state.error[0] = '\0';
  state.tls_problem.clear();

  (void)curl_multi_add_handle(state.multi, easy);
  int running = 1;
  curl_waitfd wake{interrupt_.descriptor(), CURL_WAIT_POLLIN, 0};
  while (!interrupt_.is_set()) {
    if (curl_multi_perform(state.multi, &running) != CURLM_OK || running == 0) break;
    if (curl_multi_poll(state.multi, &wake, 1, kPollMilliseconds, nullptr) != CURLM_OK) break;
  }
  CURLcode code = CURLE_ABORTED_BY_CALLBACK;
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(state.multi, &left)) {
    if (message->msg == CURLMSG_DONE) code = message->data.result;
  }
  (void)curl_multi_remove_handle(state.multi, easy);
  curl_slist_free_all(with_type);
  (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, nullptr);
  if (code == CURLE_OK) {
    long status = 0;
    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    reply.status = static_cast<int>(status);
    if (reply.status == 0) reply.problem = "the reply has no status";
    return reply;
  }
  if (interrupt_.is_set()) {
    reply.problem = "was interrupted";
  } else if (state.tls != nullptr && !state.tls_problem.empty()) {
    reply.problem = state.tls_problem;
  } else if (state.tls != nullptr && !state.tls->refusal().empty()) {
    reply.problem = state.tls->refusal();
  } else {
    reply.problem =
        (state.error[0] != '\0' ? std::string(state.error) : std::string(curl_easy_strerror(code))) + remedy(code);
  }
  disconnect();
  return reply;
}

}  // namespace spanbeat
