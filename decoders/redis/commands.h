// What the decoder has to know of single commands; of all others it knows nothing and needs nothing.
//
// What:   which commands consist of two words, which are answered by several messages or by none, which change how the
//         connection goes on, and which arguments are secrets. CommandBuilder takes the arguments one by one and makes
//         the command's text.
// Limits: names are compared without letter case. Commands of modules and of later versions are like any other.
#pragma once

#include "decoders/redis/message_text.h"

namespace spanbeat::redis {

enum class CommandKind : std::uint8_t {
  plain,
  container,  // the second word belongs to the name
  acl,        // a container with secrets
  auth,
  client,  // a container; CLIENT REPLY stops the answers
  config,  // a container with secrets
  exec,    // EXEC, DISCARD: the end of a transaction
  hello,
  migrate,
  monitor,
  multi,
  replconf,   // only a replica says this
  replicate,  // PSYNC, SYNC: the connection becomes a stream of its own
  reset,
  select,
  sentinel,   // a container with secrets
  subscribe,  // SUBSCRIBE, PSUBSCRIBE, SSUBSCRIBE: an answer for each argument
  unsubscribe,
};

[[nodiscard]] CommandKind kind_of(Bytes name);
// True for a name that Redis itself has: what tells an inline command from text when the place in the stream is not
// known.
[[nodiscard]] bool is_known_command(Bytes name);
// The names of Redis' own commands, in capitals.
[[nodiscard]] std::span<const std::string_view> known_commands();
[[nodiscard]] bool same_word(Bytes word, std::string_view upper_case);

// What a request says, as places in its text.
struct Command {
  std::uint32_t method_size = 0;  // the name stands at the beginning of the text
  std::uint32_t resource_begin = 0;
  std::uint32_t resource_size = 0;
  std::uint32_t arguments = 0;  // with the name
  CommandKind kind = CommandKind::plain;
  // What CLIENT REPLY asks for, or REPLCONF ACK.
  enum class Answers : std::uint8_t { as_usual, on, off, skip, never } answers = Answers::as_usual;
};

class CommandBuilder {
 public:
  // `count` arguments are to come, the name among them; `redact` hides the secret ones.
  void begin(std::uint64_t count, bool redact) {
    count_ = count;
    redact_ = redact;
  }
  void begin_argument(MessageText& text) {
    if (index_ != 0) text.append(' ');
    argument_ = static_cast<std::uint32_t>(text.size());
  }
  void end_argument(MessageText& text) {
    const auto size = static_cast<std::uint32_t>(text.size());
    switch (index_++) {
      case 0:
        command_.method_size = size;
        command_.kind = kind_of(text.view());
        break;
      case 1:
        if (has_second_word()) {
          command_.method_size = size;
        } else {
          command_.resource_begin = argument_;
          command_.resource_size = size - argument_;
        }
        break;
      case 2:
        if (has_second_word()) {
          command_.resource_begin = argument_;
          command_.resource_size = size - argument_;
        }
        break;
      default:
        break;
    }
    if (command_.kind > CommandKind::container) [[unlikely]]
      look_closer(text);
    ++command_.arguments;
  }
  [[nodiscard]] const Command& command() const { return command_; }

 private:
  [[nodiscard]] bool has_second_word() const {
    return command_.kind == CommandKind::container || command_.kind == CommandKind::acl ||
           command_.kind == CommandKind::client || command_.kind == CommandKind::config ||
           command_.kind == CommandKind::sentinel;
  }
  void look_closer(MessageText& text);
  [[nodiscard]] bool is_secret(Bytes argument, std::uint64_t index);

  Command command_;
  std::uint64_t count_ = 0;
  std::uint64_t index_ = 0;
  std::uint32_t argument_ = 0;  // where the present one begins in the text
  std::uint8_t secret_in_ = 0;  // 1: the next argument is a secret; 2: the one after it
  bool redact_ = true;
  bool sets_ = false;  // CONFIG SET, ACL SETUSER, SENTINEL SET
};

}  // namespace spanbeat::redis
