#include "export/kibana/kibana_client.h"

#include "export/document/json_reader.h"
#include "export/json/value_writer.h"
#include "export/net/server_version.h"

namespace spanbeat {
namespace {

constexpr std::size_t kMostWords = 300;
constexpr std::size_t kMostErrors = 5;

std::string text_of(const Value* value) { return value != nullptr && value->is_string() ? value->string() : ""; }

// What an error reply says: its message, or its first characters.
std::string words_of(const std::string& body) {
  Value reply;
  std::string problem;
  std::string words;
  if (parse_json(body, reply, problem)) words = text_of(reply.member("message"));
  if (words.empty()) words = body;
  if (words.size() > kMostWords) words = words.substr(0, kMostWords) + "…";
  return words;
}

std::string remedy(const std::string& kind) {
  if (kind == "missing_references") {
    return "load the index pattern as well (without only_dashboards), or put what is missing beside the dashboard";
  }
  if (kind == "unsupported_type") return "this Kibana does not know the kind of object; use a newer one";
  if (kind == "ambiguous_conflict" || kind == "conflict") return "remove the objects of that name in Kibana";
  return "";
}

// Why an import failed, object by object.
std::string import_problem(const Value& reply) {
  const Value* errors = reply.member("errors");
  std::string problem;
  std::string advice;
  std::size_t told = 0;
  for (const Value& one : errors != nullptr && errors->is_array() ? errors->array() : Value::Array()) {
    if (++told > kMostErrors) continue;
    const std::string kind = text_of(one.find("error.type"));
    problem += (problem.empty() ? "" : "; ") + text_of(one.member("type")) + " " + text_of(one.member("id")) + ": " +
               (kind.empty() || kind == "unknown" ? text_of(one.find("error.message")) : kind);
    if (const Value* missing = one.find("error.references"); missing != nullptr && missing->is_array()) {
      for (const Value& reference : missing->array()) {
        problem += " " + text_of(reference.member("type")) + " " + text_of(reference.member("id"));
      }
    }
    if (advice.empty()) advice = remedy(kind);
  }
  if (told > kMostErrors) problem += "; and " + std::to_string(told - kMostErrors) + " more";
  if (problem.empty()) problem = "Kibana did not say why";
  return problem + (advice.empty() ? "" : "; " + advice);
}

// A line that does not occur in the text.
std::string boundary_for(std::string_view text) {
  for (unsigned number = 0;; ++number) {
    std::string boundary = "spanbeat-part-" + std::to_string(number);
    if (text.find(boundary) == std::string_view::npos) return boundary;
  }
}

std::string file_name(const std::string& name) {
  std::string plain = name;
  for (char& c : plain) {
    const bool good =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    if (!good) c = '_';
  }
  return plain.ends_with(".ndjson") ? plain : plain + ".ndjson";
}

}  // namespace

KibanaClient::KibanaClient(const KibanaOptions& options, const Interrupt& interrupt)
    : http_(options.http, options.host, interrupt) {}

bool KibanaClient::accept(const HttpReply& reply, std::string& problem) {
  may_pass_ = reply.status == 0 || reply.status == 429 || reply.status == 502 || reply.status == 503;
  problem.clear();
  if (reply.status >= 200 && reply.status < 300) return true;
  if (reply.status == 0) {
    problem = reply.problem;
    return false;
  }
  problem = std::to_string(reply.status) + " " + words_of(reply.body);
  switch (reply.status) {
    case 401:
      problem += "; see setup.kibana.username and password, or api_key";
      break;
    case 403:
      problem += "; give the user or key Kibana's privilege \"Saved Objects Management: All\" in that space";
      break;
    case 404:
      problem += "; see that setup.kibana.host, path and space.id lead to Kibana";
      break;
    case 413:
      problem += "; raise savedObjects.maxImportPayloadBytes there";
      break;
    case 429:
    case 502:
    case 503:
      problem += "; wait until Kibana is ready";
      break;
    default:
      if (reply.status / 100 == 3) {
        problem += "; the server sends elsewhere, which is not followed: see setup.kibana.host, protocol and path";
      }
  }
  return false;
}

bool KibanaClient::connect(std::string& version, std::string& problem) {
  version.clear();
  const HttpReply reply = http_.request("GET", "/api/status");
  if (!accept(reply, problem)) return false;
  Value status;
  std::string unread;
  const bool is_read = parse_json(reply.body, status, unread);
  // "version" is a text in very old ones, and an object since.
  version = is_read ? text_of(status.find("version.number")) : "";
  if (version.empty()) {
    problem = "is no Kibana: its reply has no version; see setup.kibana.host, protocol and path";
    return false;
  }
  if (!older_than(version, 7, 10)) return true;
  problem = "is Kibana " + version + ", which cannot import the dashboards; 7.10 or newer is needed";
  return false;
}

bool KibanaClient::import_objects(const std::string& name, std::string_view objects, std::string& problem) {
  const std::string boundary = boundary_for(objects);
  std::string body = "--" + boundary + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" +
                     file_name(name) + "\"\r\nContent-Type: application/ndjson\r\n\r\n";
  body.append(objects);
  body += "\r\n--" + boundary + "--\r\n";
  const HttpReply reply = http_.request("POST", "/api/saved_objects/_import?overwrite=true", body,
                                        "multipart/form-data; boundary=" + boundary);
  if (!accept(reply, problem)) {
    problem.insert(0, name + " was refused: ");
    return false;
  }
  Value result;
  std::string unread;
  if (!parse_json(reply.body, result, unread) || !result.is_object()) {
    problem = name + ": the reply cannot be read; see that no proxy changes it";
    return false;
  }
  const Value* success = result.member("success");
  if (success != nullptr && success->kind() == Value::Kind::boolean && success->boolean()) return true;
  problem = name + " was refused: " + import_problem(result);
  return false;
}

bool KibanaClient::export_dashboard(const std::string& id, std::string& objects, std::string& problem) {
  Value object = Value::of_object();
  object.make("id") = Value::of_string(id);
  object.make("type") = Value::of_string("dashboard");
  Value list = Value::of_array();
  list.array().push_back(std::move(object));
  Value wanted = Value::of_object();
  wanted.make("objects") = std::move(list);
  wanted.make("includeReferencesDeep") = Value::of_bool(true);
  wanted.make("excludeExportDetails") = Value::of_bool(true);
  TextBuffer body;
  JsonStyle style;
  write_value_json(style, body, wanted);
  HttpReply reply = http_.request("POST", "/api/saved_objects/_export", body.view(), "application/json; charset=UTF-8");
  if (!accept(reply, problem)) {
    problem = "the dashboard " + id + " cannot be exported: " + problem;
    return false;
  }
  objects = std::move(reply.body);
  if (!objects.empty() && !objects.ends_with('\n')) objects += '\n';
  return true;
}

}  // namespace spanbeat
