#include "export/kibana/dashboard_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "export/document/json_reader.h"
#include "export/json/value_writer.h"

namespace spanbeat {
namespace {

namespace fs = std::filesystem;

bool read_text(const fs::path& path, std::string& text, std::string& problem) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file) {
    problem = path.string() + " cannot be read; see that it is there and may be read";
    return false;
  }
  if (size > kMostFile) {
    problem = path.string() + " is larger than 32 MiB: these are no dashboards";
    return false;
  }
  text.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  return true;
}

std::string json_of(const Value& value) {
  TextBuffer buffer;
  JsonStyle style;
  write_value_json(style, buffer, value);
  return std::string(buffer.view());
}

// Kibana keeps some attributes as texts that hold JSON; Packetbeat's files show them as the JSON itself.
void put_into_texts(Value& object) {
  for (const char* name :
       {"attributes.kibanaSavedObjectMeta.searchSourceJSON", "attributes.layerListJSON", "attributes.mapStateJSON",
        "attributes.optionsJSON", "attributes.panelsJSON", "attributes.uiStateJSON", "attributes.visState"}) {
    Value* value = object.find(name);
    if (value != nullptr && (value->is_object() || value->is_array())) *value = Value::of_string(json_of(*value));
  }
}

std::vector<fs::path> files_of(const fs::path& folder, const char* ending) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator each(folder, error), end; !error && each != end; each.increment(error)) {
    if (each->path().extension() == ending) found.push_back(each->path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

// A dashboard of Packetbeat's folders, with everything that it refers to.
class Gathering {
 public:
  explicit Gathering(fs::path base) : base_(std::move(base)) {}

  bool add(const fs::path& path, std::string& objects, std::string& problem) {
    if (!seen_.insert(path).second) return true;
    std::string text;
    Value object;
    if (!read_text(path, text, problem)) return false;
    if (!parse_json(text, object, problem) || !object.is_object()) {
      problem = path.string() + " holds no saved object: " + problem;
      return false;
    }
    put_into_texts(object);
    const Value* references = object.member("references");
    for (const Value& one : references != nullptr && references->is_array() ? references->array() : Value::Array()) {
      const Value* kind = one.member("type");
      const Value* id = one.member("id");
      if (kind == nullptr || id == nullptr || !kind->is_string() || !id->is_string()) continue;
      if (kind->string() == "index-pattern") continue;
      const std::string name = id->string() + ".json";
      if ((kind->string() + name).find('/') != std::string::npos) {
        problem = path.string() + " refers to \"" + id->string() + "\", which cannot be the name of a file";
        return false;
      }
      if (!add(base_ / kind->string() / name, objects, problem)) {
        if (seen_.size() > 1) problem += " (" + path.string() + " refers to it)";
        return false;
      }
    }
    objects += json_of(object) + "\n";
    return true;
  }

 private:
  fs::path base_;
  std::set<fs::path> seen_;
};

}  // namespace

bool read_dashboard_file(const std::string& path, std::vector<DashboardFile>& files, std::string& problem) {
  DashboardFile file{fs::path(path).filename().string(), {}};
  if (!read_text(path, file.objects, problem)) return false;
  std::size_t begin = 0;
  std::size_t objects = 0;
  for (std::size_t line = 1; begin < file.objects.size(); ++line) {
    const std::size_t end = std::min(file.objects.find('\n', begin), file.objects.size());
    std::string_view text(file.objects.data() + begin, end - begin);
    begin = end + 1;
    if (text.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    ++objects;
    if (!is_json(text)) {
      problem = path + ": line " + std::to_string(line) + " is no JSON; each line has to be a saved object";
      return false;
    }
  }
  if (objects == 0) {
    problem = path + " holds no saved object";
    return false;
  }
  files.push_back(std::move(file));
  return true;
}

bool read_dashboard_folder(const std::string& path, std::vector<DashboardFile>& files, std::string& problem) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    problem = path + " is no folder that can be read";
    return false;
  }
  for (const fs::path& file : files_of(path, ".ndjson")) {
    if (!read_dashboard_file(file.string(), files, problem)) return false;
  }
  for (const fs::path& base : {fs::path(path), fs::path(path) / "7"}) {
    for (const fs::path& dashboard : files_of(base / "dashboard", ".json")) {
      DashboardFile file{dashboard.stem().string(), {}};
      if (!Gathering(base).add(dashboard, file.objects, problem)) return false;
      files.push_back(std::move(file));
    }
  }
  if (!files.empty()) return true;
  problem = path + " holds no dashboards: neither NAME.ndjson nor dashboard/NAME.json nor 7/dashboard/NAME.json";
  return false;
}

}  // namespace spanbeat
