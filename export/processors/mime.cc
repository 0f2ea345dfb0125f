#include "export/processors/mime.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "export/document/json_reader.h"
#include "export/processors/xml_check.h"

namespace spanbeat {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kMaxHeader = 8192;
constexpr std::size_t kMaxSniff = 512;

// The octets `pattern` at `offset` of content that is longer than `longer_than`.
struct Magic {
  std::uint16_t longer_than;
  std::uint16_t offset;
  std::string_view pattern;
  std::string_view type;
};

bool has(std::string_view content, std::size_t offset, std::string_view pattern) {
  return content.size() >= offset && content.substr(offset, pattern.size()) == pattern;
}

// In the order in which they are tried; the more special ones of a family come first.
constexpr Magic kApplications[] = {
    {3, 0, "\x4c\0\0\0"sv, "application/x-ms-shortcut"},
    {7, 0, "\0asm\x01\0\0\0"sv, "application/wasm"},
    {36, 0, "dex\n"sv, "application/vnd.android.dex"},
    {100, 0, "dey\n"sv, "application/vnd.android.dey"},
};
constexpr Magic kImages[] = {
    {2, 0, "\xff\xd8\xff"sv, "image/jpeg"},
    {12, 0, "\0\0\0\x0cjP  \r\n\x87\n\0"sv, "image/jp2"},
    {3, 0, "\x89PNG"sv, "image/png"},
    {2, 0, "GIF"sv, "image/gif"},
    {11, 8, "WEBP"sv, "image/webp"},
    {10, 0, "II*\0\x10\0\0\0CR"sv, "image/x-canon-cr2"},
    {3, 0, "II*\0"sv, "image/tiff"},
    {3, 0, "MM\0*"sv, "image/tiff"},
    {1, 0, "BM"sv, "image/bmp"},
    {2, 0, "II\xbc"sv, "image/vnd.ms-photo"},
    {3, 0, "8BPS"sv, "image/vnd.adobe.photoshop"},
    {3, 0, "\0\0\x01\0"sv, "image/vnd.microsoft.icon"},
    {11, 4, "ftypheic"sv, "image/heif"},
    {11, 4, "ftypmif1"sv, "image/heif"},
    {3, 0, "AC10"sv, "image/vnd.dwg"},
};
constexpr Magic kMedia[] = {
    {10, 4, "ftypM4V"sv, "video/x-m4v"},
    {15, 4, "ftypqt"sv, "video/quicktime"},
    {15, 4, "moov"sv, "video/quicktime"},
    {15, 4, "mdat"sv, "video/quicktime"},
    {15, 12, "mdat"sv, "video/quicktime"},
    {9, 0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9"sv, "video/x-ms-wmv"},
    {3, 0, "FLV\x01"sv, "video/x-flv"},
    {10, 4, "ftyp3gp"sv, "video/3gpp"},
    {3, 0, "MThd"sv, "audio/midi"},
    {2, 0, "ID3"sv, "audio/mpeg"},
    {2, 0, "\xff\xfb"sv, "audio/mpeg"},
    {10, 4, "ftypM4A"sv, "audio/mp4"},
    {10, 0, "M4A "sv, "audio/mp4"},
    {3, 0, "OggS"sv, "audio/ogg"},
    {3, 0, "fLaC"sv, "audio/x-flac"},
    {11, 0, "#!AMR\n"sv, "audio/amr"},
    {1, 0, "\xff\xf1"sv, "audio/aac"},
    {1, 0, "\xff\xf9"sv, "audio/aac"},
    {7, 0, "wOFF\0\x01\0\0"sv, "application/font-woff"},
    {7, 0, "wOF2\0\x01\0\0"sv, "application/font-woff"},
    {4, 0, "\0\x01\0\0\0"sv, "application/font-sfnt"},
    {4, 0, "OTTO\0"sv, "application/font-sfnt"},
};
constexpr Magic kArchives[] = {
    {57, 30, "mimetypeapplication/epub+zip"sv, "application/epub+zip"},
    {3, 0, "PK\x03\x04"sv, "application/zip"},
    {3, 0, "PK\x05\x06"sv, "application/zip"},
    {3, 0, "PK\x07\x08"sv, "application/zip"},
    {261, 257, "ustar"sv, "application/x-tar"},
    {6, 0, "Rar!\x1a\x07\0"sv, "application/vnd.rar"},
    {6, 0, "Rar!\x1a\x07\x01"sv, "application/vnd.rar"},
    {2, 0, "\x1f\x8b\x08"sv, "application/gzip"},
    {2, 0, "BZh"sv, "application/x-bzip2"},
    {5, 0, "7z\xbc\xaf\x27\x1c"sv, "application/x-7z-compressed"},
    {5, 0,
     "\xfd"
     "7zXZ\0"sv,
     "application/x-xz"},
    {3, 0, "\x28\xb5\x2f\xfd"sv, "application/zstd"},
    {3, 0, "%PDF"sv, "application/pdf"},
    {1, 0, "MZ"sv, "application/vnd.microsoft.portable-executable"},
    {2, 0, "CWS"sv, "application/x-shockwave-flash"},
    {2, 0, "FWS"sv, "application/x-shockwave-flash"},
    {4, 0, "{\\rtf"sv, "application/rtf"},
    {1, 0, "%!"sv, "application/postscript"},
    {3, 0, "SQLi"sv, "application/vnd.sqlite3"},
    {3, 0, "NES\x1a"sv, "application/x-nintendo-nes-rom"},
    {3, 0, "Cr24"sv, "application/x-google-chrome-extension"},
    {3, 0, "MSCF"sv, "application/vnd.ms-cab-compressed"},
    {3, 0, "ISc("sv, "application/vnd.ms-cab-compressed"},
    {20, 0, "!<arch>\ndebian-binary"sv, "application/vnd.debian.binary-package"},
    {6, 0, "!<arch>"sv, "application/x-unix-archive"},
    {1, 0, "\x1f\xa0"sv, "application/x-compress"},
    {1, 0, "\x1f\x9d"sv, "application/x-compress"},
    {3, 0, "LZIP"sv, "application/x-lzip"},
    {96, 0, "\xed\xab\xee\xdb"sv, "application/x-rpm"},
    {52, 0,
     "\x7f"
     "ELF"sv,
     "application/x-executable"},
    {131, 128, "DICM"sv, "application/dicom"},
    {3, 0, "\xfe\xed\xfa\xcf"sv, "application/x-mach-binary"},
    {3, 0, "\xfe\xed\xfa\xce"sv, "application/x-mach-binary"},
    {3, 0, "\xca\xfe\xba\xbe"sv, "application/x-mach-binary"},
    {3, 0, "\xce\xfa\xed\xfe"sv, "application/x-mach-binary"},
    {3, 0, "\xcf\xfa\xed\xfe"sv, "application/x-mach-binary"},
};

template <std::size_t size>
std::string_view by_magic(std::string_view content, const Magic (&table)[size]) {
  for (const Magic& magic : table) {
    if (content.size() > magic.longer_than && has(content, magic.offset, magic.pattern)) return magic.type;
  }
  return {};
}

// Containers whose kind is inside: ISO media by brand, Matroska by document type, RIFF by form, MPEG by start code.
std::string_view by_container(std::string_view content) {
  if (content.size() > 11 && has(content, 4, "ftyp")) {
    constexpr std::array kBrands = {"avc1", "dash", "iso2", "iso3", "iso4", "iso5", "iso6", "isom", "mmp4", "mp41",
                                    "mp42", "mp4v", "mp71", "MSNV", "NDAS", "NDSC", "NSDC", "NDSH", "NDSM", "NDSP",
                                    "NDSS", "NDXC", "NDXH", "NDXM", "NDXP", "NDXS", "F4V ", "F4P "};
    const std::string_view brand = content.substr(8, 4);
    if (std::find(kBrands.begin(), kBrands.end(), brand) != kBrands.end()) return "video/mp4";
  }
  if (has(content, 0, "\x1a\x45\xdf\xa3")) {
    const std::string_view head = content.substr(0, 4096);
    for (const auto& [name, type] :
         {std::pair{"matroska"sv, "video/x-matroska"sv}, std::pair{"webm"sv, "video/webm"sv}}) {
      const std::size_t at = head.find(name);
      if (at != std::string_view::npos && at >= 3 && has(head, at - 3, "\x42\x82")) return type;
    }
  }
  if (has(content, 0, "RIFF")) {
    if (content.size() > 10 && has(content, 8, "AVI")) return "video/x-msvideo";
    if (content.size() > 11 && has(content, 8, "WAVE")) return "audio/x-wav";
  }
  if (content.size() > 3 && has(content, 0, "\0\0\x01"sv)) {
    const auto code = static_cast<unsigned char>(content[3]);
    if (code >= 0xb0 && code <= 0xbf) return "video/mpeg";
  }
  return {};
}

// Office documents: OLE files by the stream at 512, zip files by the names in them.
std::string_view by_document(std::string_view content) {
  if (has(content, 0, "\xd0\xcf\x11\xe0")) {
    if (content.size() <= 513 || has(content, 512, "\xec\xa5")) return "application/msword";
    if (has(content, 512, "\x09\x08")) return "application/vnd.ms-excel";
    if (has(content, 512, "\xa0\x46")) return "application/vnd.ms-powerpoint";
    return {};
  }
  if (!has(content, 0, "PK\x03\x04") || content.size() < 0x1e) return {};
  constexpr std::pair<std::string_view, std::string_view> kFolders[] = {
      {"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
      {"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
      {"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
  };
  const auto folder = [&](std::size_t at) -> std::string_view {
    for (const auto& [name, type] : kFolders) {
      if (has(content, at, name)) return type;
    }
    return {};
  };
  if (const auto type = folder(0x1e); !type.empty()) return type;
  if (!has(content, 0x1e, "[Content_Types].xml") && !has(content, 0x1e, "_rels") && !has(content, 0x1e, "docProps"))
    return {};
  // The third and fourth files of the archive name the kind.
  std::size_t at = 4;
  for (int file = 2; file <= 4; ++file) {
    at = content.find("PK\x03\x04", at);
    if (at == std::string_view::npos) return {};
    at += 4;
    if (file == 2) continue;
    if (const auto type = folder(at + 26); !type.empty()) return type;
  }
  return {};
}

bool is_space(char c) { return c == '\t' || c == '\n' || c == '\f' || c == '\r' || c == ' '; }

// MIME Sniffing section 7.1: a tag in any letter case, and a space or '>' after it.
bool is_html(std::string_view text) {
  constexpr std::string_view kTags[] = {
      "<!DOCTYPE HTML", "<HTML",  "<HEAD", "<SCRIPT", "<IFRAME", "<H1", "<DIV", "<FONT", "<TABLE", "<A",
      "<STYLE",         "<TITLE", "<B",    "<BODY",   "<BR",     "<P",  "<!--"};
  return std::any_of(std::begin(kTags), std::end(kTags), [&](std::string_view tag) {
    if (text.size() <= tag.size()) return false;
    for (std::size_t i = 0; i < tag.size(); ++i) {
      const char c = text[i] >= 'a' && text[i] <= 'z' && tag[i] >= 'A' && tag[i] <= 'Z'
                         ? static_cast<char>(text[i] - 32)
                         : text[i];
      if (c != tag[i]) return false;
    }
    return text[tag.size()] == ' ' || text[tag.size()] == '>';
  });
}

bool is_binary(char c) {
  const auto octet = static_cast<unsigned char>(c);
  return octet <= 0x08 || octet == 0x0b || (octet >= 0x0e && octet <= 0x1a) || (octet >= 0x1c && octet <= 0x1f);
}

std::string_view sniff_text(std::string_view content) {
  const std::string_view head = content.substr(0, kMaxSniff);
  const auto first = std::find_if_not(head.begin(), head.end(), is_space);
  const std::string_view text = head.substr(static_cast<std::size_t>(first - head.begin()));
  if (is_html(text)) return "text/html; charset=utf-8";
  if (has(text, 0, "<?xml")) return "text/xml; charset=utf-8";
  if (head.size() >= 4 && has(head, 0, "\xfe\xff")) return "text/plain; charset=utf-16be";
  if (head.size() >= 4 && has(head, 0, "\xff\xfe")) return "text/plain; charset=utf-16le";
  if (std::any_of(text.begin(), text.end(), is_binary) && !(head.size() >= 4 && has(head, 0, "\xef\xbb\xbf")))
    return {};
  return "text/plain; charset=utf-8";
}

}  // namespace

std::string_view detect_mime_type(std::string_view content) {
  if (content.empty()) return {};
  const std::string_view header = content.substr(0, kMaxHeader);
  std::string_view type = by_magic(header, kApplications);
  if (type.empty()) type = by_magic(header, kImages);
  if (type.empty()) type = by_container(header);
  if (type.empty()) type = by_magic(header, kMedia);
  if (type.empty()) type = by_document(header);
  if (type.empty()) type = by_magic(header, kArchives);
  if (!type.empty()) return type;
  type = sniff_text(header);
  if (type.substr(0, 10) == "text/plain") {
    if (is_json(content)) return "application/json";
    if (has_xml_element(content)) return "text/xml";
  }
  return type;
}

}  // namespace spanbeat
