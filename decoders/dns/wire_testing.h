// Puts DNS messages together, for tests.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace spanbeat::dns_testing {

inline std::string be16(std::uint64_t value) {
  return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)};
}
inline std::string be32(std::uint64_t value) { return be16(value >> 16 & 0xffff) + be16(value & 0xffff); }

// Uncompressed; "" is the root.
inline std::string wire_name(const std::string& name) {
  std::string wire;
  for (std::size_t at = 0; at < name.size();) {
    const std::size_t dot = std::min(name.find('.', at), name.size());
    wire += static_cast<char>(dot - at) + name.substr(at, dot - at);
    at = dot + 1;
  }
  return wire + '\0';
}

inline std::string name_of(unsigned number) { return "host" + std::to_string(number) + ".example.com"; }

// 256 octets.
inline std::string long_name() {
  std::string name;
  for (int i = 0; i < 3; ++i) name += "\x3f" + std::string(63, 'x');
  return name + "\x3e" + std::string(62, 'x') + '\0';
}

class Message {
 public:
  explicit Message(std::uint16_t id, std::uint16_t flags = 0x0100) : id_(id), flags_(flags) {}

  Message& question(const std::string& name, std::uint16_t type, std::uint16_t class_value = 1) {
    return raw_question(wire_name(name), type, class_value);
  }
  Message& raw_question(const std::string& name, std::uint16_t type, std::uint16_t class_value = 1) {
    body_ += name + be16(type) + be16(class_value);
    ++counts_[0];
    return *this;
  }
  // Records are owned by the name of the question.
  Message& answer(std::uint16_t type, const std::string& data, std::uint32_t ttl = 60) {
    return record(1, "\xc0\x0c", type, 1, ttl, data);
  }
  Message& answer(std::uint16_t type, std::initializer_list<int> octets, std::uint32_t ttl = 60) {
    return answer(type, std::string(octets.begin(), octets.end()), ttl);
  }
  Message& authority(std::uint16_t type, const std::string& data) { return record(2, "\xc0\x0c", type, 1, 60, data); }
  Message& additional(std::uint16_t type, const std::string& data) { return record(3, "\xc0\x0c", type, 1, 60, data); }
  Message& additional(std::uint16_t type, std::initializer_list<int> octets) {
    return additional(type, std::string(octets.begin(), octets.end()));
  }
  Message& opt(std::uint16_t size, std::uint32_t ttl = 0, const std::string& options = "") {
    return record(3, std::string(1, '\0'), 41, size, ttl, options);
  }

  [[nodiscard]] std::string wire() const {
    return be16(id_) + be16(flags_) + be16(counts_[0]) + be16(counts_[1]) + be16(counts_[2]) + be16(counts_[3]) + body_;
  }
  operator std::string() const { return wire(); }  // NOLINT(google-explicit-constructor): a message is its octets
  operator std::string_view() const {              // NOLINT(google-explicit-constructor)
    built_ = wire();
    return built_;
  }
  // Behind its length, as TCP carries it.
  [[nodiscard]] std::string tcp() const {
    const std::string message = wire();
    return be16(message.size()) + message;
  }

 private:
  Message& record(int section, const std::string& name, std::uint16_t type, std::uint16_t class_value,
                  std::uint32_t ttl, const std::string& data) {
    body_ += name + be16(type) + be16(class_value) + be32(ttl) + be16(data.size()) + data;
    ++counts_[section];
    return *this;
  }
  std::uint16_t id_;
  std::uint16_t flags_;
  std::uint16_t counts_[4] = {};
  std::string body_;
  mutable std::string built_;
};

}  // namespace spanbeat::dns_testing
