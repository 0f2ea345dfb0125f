#include "app/config/yaml_writer.h"

#include "base/secrets.h"

#include <algorithm>
#include <cstdio>

#include "app/config/scalars.h"

namespace spanbeat {
namespace {

// May the text stand without quotes, as a key or a value?
bool is_plain(const std::string& text) {
  if (text.empty() || !plain_scalar(text, {}).is_string() || text == "<<" || text == "=") return false;
  if (text.front() == ' ' || text.back() == ' ' || text.back() == ':') return false;
  static constexpr std::string_view kIndicators = "-?:,[]{}#&*!|>'\"%@`=~";
  if (kIndicators.find(text.front()) != std::string_view::npos) {
    const bool dash = text.front() == '-' && text.size() > 1 && text[1] != ' ' && text[1] != '-';
    if (!dash) return false;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7f) return false;
    if (c == ':' && i + 1 < text.size() && text[i + 1] == ' ') return false;
    if (c == '#' && i > 0 && text[i - 1] == ' ') return false;
  }
  return text != "---" && text != "...";
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.append("\\").push_back(c);
    } else if (c == '\n') {
      out.append("\\n");
    } else if (c == '\t') {
      out.append("\\t");
    } else if (octet < 0x20 || octet == 0x7f) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\x%02x", octet);
      out.append(escape);
    } else {
      out.push_back(c);
    }
  }
  return out + "\"";
}

std::string text(const std::string& value) { return is_plain(value) ? value : quoted(value); }

class Writer {
 public:
  std::string out;

  // What stands behind "key:" or "-": on the same line, or below it, indented.
  void value(const Setting& setting, int indent, bool in_list) {
    if (setting.is_map() && !setting.map().empty()) {
      if (!in_list) out.push_back('\n');
      map(setting, indent, in_list);
    } else if (setting.is_list() && !setting.list().empty()) {
      out.push_back('\n');
      for (const Setting& item : setting.list()) {
        pad(indent);
        out.append("- ");
        value(item, indent + 2, true);
      }
    } else {
      if (!in_list) out.push_back(' ');
      out.append(scalar(setting)).push_back('\n');
    }
  }

  void map(const Setting& setting, int indent, bool first_on_line) {
    std::vector<const std::pair<std::string, Setting>*> entries;
    for (const auto& entry : setting.map()) entries.push_back(&entry);
    std::sort(entries.begin(), entries.end(), [](const auto* a, const auto* b) { return a->first < b->first; });
    for (const auto* entry : entries) {
      if (!first_on_line) pad(indent);
      first_on_line = false;
      out.append(text(entry->first)).push_back(':');
      value(entry->second, indent + 2, false);
    }
  }

 private:
  void pad(int indent) { out.append(static_cast<std::size_t>(indent), ' '); }
  static std::string scalar(const Setting& setting) {
    if (setting.is_null()) return "null";
    if (setting.is_map()) return "{}";
    if (setting.is_list()) return "[]";
    if (setting.is_string()) return text(setting.string());
    return setting.scalar_text();
  }
};

}  // namespace

std::string write_yaml(const Setting& root) {
  Writer writer;
  if (root.is_map() && !root.map().empty()) {
    writer.map(root, 0, false);
  } else {
    writer.value(root, 0, true);
  }
  return writer.out;
}

namespace {

void hide(Setting& setting, const std::string& key) {
  if (setting.is_map()) {
    for (auto& [name, item] : setting.map()) hide(item, key.empty() ? name : key + "." + name);
  } else if (setting.is_list()) {
    for (Setting& item : setting.list()) hide(item, key);
  } else if (!setting.is_null()) {
    const std::string text = setting.scalar_text();
    const bool expression = text.starts_with("${") && text.find('}') == text.size() - 1;
    if (is_secret(key)) {
      if (!text.empty() && !expression) setting = Setting::of_string(std::string(kHidden), setting.place);
    } else if (setting.is_string()) {
      setting = Setting::of_string(without_url_passwords(text), setting.place);
    }
  }
}

}  // namespace

Setting without_secrets(Setting root) {
  hide(root, "");
  return root;
}

}  // namespace spanbeat
