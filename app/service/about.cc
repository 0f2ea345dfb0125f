#include "app/service/about.h"

#include <pwd.h>
#include <unistd.h>

#include <string>

#include "export/json/value_writer.h"
#include "export/processors/host_info.h"

namespace spanbeat {
namespace {

std::string json_text(const Value& value) {
  JsonStyle style(false, false);
  TextBuffer text;
  write_value_json(style, text, value);
  return std::string(text.view());
}

}  // namespace

std::string about(const Identity& identity) {
  Value out = Value::of_object();
  const auto text = [&](std::string_view name, std::string value) {
    out.append_member(name, Value::of_string(std::move(value)));
  };
  text("beat", identity.type);
  text("binary_arch", "amd64");
  text("build_commit", "unknown");
  text("build_time", "0001-01-01T00:00:00Z");
  out.append_member("elastic_licensed", Value::of_bool(false));
  text("ephemeral_id", identity.ephemeral_id);
  text("gid", std::to_string(::getgid()));
  char host[256] = "";
  text("hostname", ::gethostname(host, sizeof host - 1) == 0 ? host : "");
  text("name", identity.name);
  text("uid", std::to_string(::getuid()));
  const passwd* user = ::getpwuid(::getuid());
  text("username", user != nullptr ? user->pw_name : "");
  text("uuid", identity.id);
  text("version", identity.version);
  return json_text(out);
}

std::string state_of(const Identity& identity, const std::string& output, std::int64_t batch_size, bool disk_queue) {
  Value out = Value::of_object();
  const auto section = [&](std::string_view name) -> Value& { return out.append_member(name, Value::of_object()); };
  section("beat").append_member("name", Value::of_string(identity.name));
  out.append_member("host", host_info());
  section("management").append_member("enabled", Value::of_bool(false));
  Value& sink = section("output");
  sink.append_member("batch_size", Value::of_integer(batch_size));
  sink.append_member("clients", Value::of_integer(1));
  sink.append_member("name", Value::of_string(output));
  section("queue").append_member("name", Value::of_string(disk_queue ? "disk" : "mem"));
  Value& service = section("service");
  service.append_member("id", Value::of_string(identity.id));
  service.append_member("name", Value::of_string(identity.type));
  service.append_member("version", Value::of_string(identity.version));
  return json_text(out);
}

}  // namespace spanbeat
