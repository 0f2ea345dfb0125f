#include "export/processors/xml_check.h"

#include <cstdint>
#include <vector>

namespace spanbeat {
namespace {

bool is_name_character(unsigned char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == ':' ||
         c == '.' || c == '-' || c >= 0x80;
}

// The length of the UTF-8 character at `at`, when XML allows it (XML 1.0 section 2.2, Char); else 0.
std::size_t character_length(std::string_view text, std::size_t at) {
  const auto octet = [&](std::size_t i) {
    return i < text.size() ? static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])) : 0U;
  };
  const auto continues = [&](std::size_t i) { return (octet(i) & 0xc0) == 0x80; };
  const std::uint32_t first = octet(at);
  if (first < 0x80) return first >= 0x20 || first == '\t' || first == '\n' || first == '\r' ? 1 : 0;
  std::uint32_t code = 0;
  if ((first & 0xe0) == 0xc0 && continues(at + 1)) {
    code = (first & 0x1f) << 6 | (octet(at + 1) & 0x3f);
    return code >= 0x80 ? 2 : 0;
  }
  if ((first & 0xf0) == 0xe0 && continues(at + 1) && continues(at + 2)) {
    code = (first & 0x0f) << 12 | (octet(at + 1) & 0x3f) << 6 | (octet(at + 2) & 0x3f);
    const bool allowed = code >= 0x800 && (code < 0xd800 || code > 0xdfff) && code < 0xfffe;
    return allowed ? 3 : 0;
  }
  if ((first & 0xf8) == 0xf0 && continues(at + 1) && continues(at + 2) && continues(at + 3)) {
    code = (first & 0x07) << 18 | (octet(at + 1) & 0x3f) << 12 | (octet(at + 2) & 0x3f) << 6 | (octet(at + 3) & 0x3f);
    return code >= 0x10000 && code <= 0x10ffff ? 4 : 0;
  }
  return 0;
}

class XmlCheck {
 public:
  explicit XmlCheck(std::string_view text) : text_(text) {}

  bool run() {
    while (at_ < text_.size()) {
      if (text_[at_] != '<') {
        if (!characters(0)) return false;
        continue;
      }
      ++at_;
      if (take('/')) {
        if (!end_tag()) return false;
        if (open_.empty()) return true;
      } else if (take('?')) {
        if (!instruction()) return false;
      } else if (take('!')) {
        if (!declaration()) return false;
      } else {
        bool closed = false;
        if (!start_tag(closed)) return false;
        if (closed && open_.empty()) return true;
      }
    }
    return false;  // the element never came, or never ended
  }

 private:
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\r' || text_[at_] == '\n' || text_[at_] == '\t'))
      ++at_;
  }
  // Moves behind the next `end`.
  bool skip_to(std::string_view end) {
    const std::size_t found = text_.find(end, at_);
    if (found == std::string_view::npos) return false;
    at_ = found + end.size();
    return true;
  }

  bool name(std::string_view& out) {
    const std::size_t from = at_;
    while (at_ < text_.size() && is_name_character(static_cast<unsigned char>(text_[at_]))) ++at_;
    out = text_.substr(from, at_ - from);
    if (out.empty() || at_ == text_.size()) return false;
    const char first = out.front();
    return !(first >= '0' && first <= '9') && first != '-' && first != '.';
  }

  // Text up to the next '<', or up to `quote` when that is not 0.
  bool characters(char quote) {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (quote != 0 && c == quote) {
        ++at_;
        return true;
      }
      if (c == '<') return quote == 0;
      if (c == '&') {
        ++at_;
        if (!entity()) return false;
        continue;
      }
      if (text_.substr(at_, 3) == "]]>") return false;
      const std::size_t length = character_length(text_, at_);
      if (length == 0) return false;
      at_ += length;
    }
    return quote == 0;
  }

  bool entity() {
    const std::size_t end = text_.find(';', at_);
    if (end == std::string_view::npos || end == at_) return false;
    const std::string_view word = text_.substr(at_, end - at_);
    at_ = end + 1;
    if (word.front() != '#') return word == "lt" || word == "gt" || word == "amp" || word == "apos" || word == "quot";
    return character_reference(word.substr(1));
  }
  static bool character_reference(std::string_view digits) {
    const bool hexadecimal = !digits.empty() && digits.front() == 'x';
    if (hexadecimal) digits.remove_prefix(1);
    if (digits.empty()) return false;
    std::uint32_t code = 0;
    for (const char c : digits) {
      std::uint32_t digit = 0;
      if (c >= '0' && c <= '9') {
        digit = static_cast<std::uint32_t>(c - '0');
      } else if (hexadecimal && c >= 'a' && c <= 'f') {
        digit = static_cast<std::uint32_t>(c - 'a' + 10);
      } else if (hexadecimal && c >= 'A' && c <= 'F') {
        digit = static_cast<std::uint32_t>(c - 'A' + 10);
      } else {
        return false;
      }
      code = code * (hexadecimal ? 16 : 10) + digit;
      if (code > 0x10ffff) return false;
    }
    return code == '\t' || code == '\n' || code == '\r' || (code >= 0x20 && code != 0xfffe && code != 0xffff);
  }

  bool start_tag(bool& closed) {
    std::string_view element;
    if (!name(element)) return false;
    while (true) {
      space();
      if (take('/')) {
        closed = true;
        return take('>');
      }
      if (take('>')) {
        open_.push_back(element);
        return true;
      }
      std::string_view attribute;
      if (!name(attribute)) return false;
      space();
      if (!take('=')) return false;
      space();
      if (at_ >= text_.size() || (text_[at_] != '"' && text_[at_] != '\'')) return false;
      const char quote = text_[at_++];
      if (!characters(quote)) return false;
    }
  }

  bool end_tag() {
    std::string_view element;
    if (!name(element)) return false;
    space();
    if (!take('>') || open_.empty() || open_.back() != element) return false;
    open_.pop_back();
    return true;
  }

  // <?target ...?>; of <?xml?> the version and the encoding must be ones that can be read.
  bool instruction() {
    std::string_view target;
    if (!name(target)) return false;
    const std::size_t from = at_;
    if (!skip_to("?>")) return false;
    if (target != "xml") return true;
    const std::string_view content = text_.substr(from, at_ - 2 - from);
    const std::string_view version = pseudo_attribute(content, "version=");
    const std::string_view encoding = pseudo_attribute(content, "encoding=");
    return (version.empty() || version == "1.0") && (encoding.empty() || is_utf8(encoding));
  }
  static std::string_view pseudo_attribute(std::string_view content, std::string_view name) {
    const std::size_t at = content.find(name);
    if (at == std::string_view::npos || at + name.size() >= content.size()) return {};
    const char quote = content[at + name.size()];
    if (quote != '"' && quote != '\'') return {};
    content.remove_prefix(at + name.size() + 1);
    const std::size_t end = content.find(quote);
    return end == std::string_view::npos ? std::string_view() : content.substr(0, end);
  }
  static bool is_utf8(std::string_view encoding) {
    constexpr std::string_view kName = "utf-8";
    if (encoding.size() != kName.size()) return false;
    for (std::size_t i = 0; i < kName.size(); ++i) {
      const char c = encoding[i];
      if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c) != kName[i]) return false;
    }
    return true;
  }

  // Behind "<!": a comment, CDATA, or a directive such as <!DOCTYPE>.
  bool declaration() {
    if (take('-')) {
      if (!take('-')) return false;
      const std::size_t dashes = text_.find("--", at_);
      if (dashes == std::string_view::npos) return false;
      at_ = dashes + 2;
      return take('>');
    }
    if (take('[')) {
      if (text_.substr(at_, 6) != "CDATA[") return false;
      at_ += 6;
      const std::size_t end = text_.find("]]>", at_);
      if (end == std::string_view::npos) return false;
      while (at_ < end) {
        const std::size_t length = character_length(text_, at_);
        if (length == 0) return false;
        at_ += length;
      }
      at_ = end + 3;
      return true;
    }
    return directive();
  }
  // Angle brackets inside must pair, but for those in quotes and comments.
  bool directive() {
    int depth = 0;
    char quote = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (quote != 0) {
        if (c == quote) quote = 0;
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == '<') {
        if (text_.substr(at_, 3) == "!--") {
          if (!skip_to("-->")) return false;
        } else {
          ++depth;
        }
      } else if (c == '>' && depth-- == 0) {
        return true;
      }
    }
    return false;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<std::string_view> open_;
};

}  // namespace

bool has_xml_element(std::string_view text) { return XmlCheck(text).run(); }

}  // namespace spanbeat
