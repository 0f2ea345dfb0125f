#include "decoders/redis/commands.h"

#include <algorithm>
#include <array>

namespace spanbeat::redis {
namespace {

constexpr std::uint8_t upper(std::uint8_t octet) {
  return octet >= 'a' && octet <= 'z' ? static_cast<std::uint8_t>(octet - 0x20) : octet;
}

constexpr std::size_t kLongestKind = 12;

// Names as two words of eight octets each, so that they are told apart by a switch.
struct Key {
  std::uint64_t first = 0;
  std::uint32_t second = 0;
};
constexpr Key key_of(std::string_view name) {
  Key key;
  for (std::size_t i = 0; i < name.size() && i < 8; ++i) {
    key.first |= std::uint64_t{static_cast<std::uint8_t>(name[i])} << (8 * i);
  }
  for (std::size_t i = 8; i < name.size() && i < kLongestKind; ++i) {
    key.second |= std::uint32_t{static_cast<std::uint8_t>(name[i])} << (8 * (i - 8));
  }
  return key;
}
constexpr std::uint64_t first_of(std::string_view name) { return key_of(name).first; }
constexpr std::uint32_t rest_of(std::string_view name) { return key_of(name).second; }

// Commands of Redis 7.2, in order (https://redis.io/commands).
constexpr auto kKnown = std::to_array<std::string_view>({"ACL",
                                                         "APPEND",
                                                         "ASKING",
                                                         "AUTH",
                                                         "BGREWRITEAOF",
                                                         "BGSAVE",
                                                         "BITCOUNT",
                                                         "BITFIELD",
                                                         "BITFIELD_RO",
                                                         "BITOP",
                                                         "BITPOS",
                                                         "BLMOVE",
                                                         "BLMPOP",
                                                         "BLPOP",
                                                         "BRPOP",
                                                         "BRPOPLPUSH",
                                                         "BZMPOP",
                                                         "BZPOPMAX",
                                                         "BZPOPMIN",
                                                         "CLIENT",
                                                         "CLUSTER",
                                                         "COMMAND",
                                                         "CONFIG",
                                                         "COPY",
                                                         "DBSIZE",
                                                         "DEBUG",
                                                         "DECR",
                                                         "DECRBY",
                                                         "DEL",
                                                         "DISCARD",
                                                         "DUMP",
                                                         "ECHO",
                                                         "EVAL",
                                                         "EVALSHA",
                                                         "EVALSHA_RO",
                                                         "EVAL_RO",
                                                         "EXEC",
                                                         "EXISTS",
                                                         "EXPIRE",
                                                         "EXPIREAT",
                                                         "EXPIRETIME",
                                                         "FAILOVER",
                                                         "FCALL",
                                                         "FCALL_RO",
                                                         "FLUSHALL",
                                                         "FLUSHDB",
                                                         "FUNCTION",
                                                         "GEOADD",
                                                         "GEODIST",
                                                         "GEOHASH",
                                                         "GEOPOS",
                                                         "GEORADIUS",
                                                         "GEORADIUSBYMEMBER",
                                                         "GEORADIUSBYMEMBER_RO",
                                                         "GEORADIUS_RO",
                                                         "GEOSEARCH",
                                                         "GEOSEARCHSTORE",
                                                         "GET",
                                                         "GETBIT",
                                                         "GETDEL",
                                                         "GETEX",
                                                         "GETRANGE",
                                                         "GETSET",
                                                         "HDEL",
                                                         "HELLO",
                                                         "HEXISTS",
                                                         "HGET",
                                                         "HGETALL",
                                                         "HINCRBY",
                                                         "HINCRBYFLOAT",
                                                         "HKEYS",
                                                         "HLEN",
                                                         "HMGET",
                                                         "HMSET",
                                                         "HRANDFIELD",
                                                         "HSCAN",
                                                         "HSET",
                                                         "HSETNX",
                                                         "HSTRLEN",
                                                         "HVALS",
                                                         "INCR",
                                                         "INCRBY",
                                                         "INCRBYFLOAT",
                                                         "INFO",
                                                         "KEYS",
                                                         "LASTSAVE",
                                                         "LATENCY",
                                                         "LCS",
                                                         "LINDEX",
                                                         "LINSERT",
                                                         "LLEN",
                                                         "LMOVE",
                                                         "LMPOP",
                                                         "LOLWUT",
                                                         "LPOP",
                                                         "LPOS",
                                                         "LPUSH",
                                                         "LPUSHX",
                                                         "LRANGE",
                                                         "LREM",
                                                         "LSET",
                                                         "LTRIM",
                                                         "MEMORY",
                                                         "MGET",
                                                         "MIGRATE",
                                                         "MODULE",
                                                         "MONITOR",
                                                         "MOVE",
                                                         "MSET",
                                                         "MSETNX",
                                                         "MULTI",
                                                         "OBJECT",
                                                         "PERSIST",
                                                         "PEXPIRE",
                                                         "PEXPIREAT",
                                                         "PEXPIRETIME",
                                                         "PFADD",
                                                         "PFCOUNT",
                                                         "PFDEBUG",
                                                         "PFMERGE",
                                                         "PFSELFTEST",
                                                         "PING",
                                                         "PSETEX",
                                                         "PSUBSCRIBE",
                                                         "PSYNC",
                                                         "PTTL",
                                                         "PUBLISH",
                                                         "PUBSUB",
                                                         "PUNSUBSCRIBE",
                                                         "QUIT",
                                                         "RANDOMKEY",
                                                         "READONLY",
                                                         "READWRITE",
                                                         "RENAME",
                                                         "RENAMENX",
                                                         "REPLCONF",
                                                         "REPLICAOF",
                                                         "RESET",
                                                         "RESTORE",
                                                         "RESTORE-ASKING",
                                                         "ROLE",
                                                         "RPOP",
                                                         "RPOPLPUSH",
                                                         "RPUSH",
                                                         "RPUSHX",
                                                         "SADD",
                                                         "SAVE",
                                                         "SCAN",
                                                         "SCARD",
                                                         "SCRIPT",
                                                         "SDIFF",
                                                         "SDIFFSTORE",
                                                         "SELECT",
                                                         "SENTINEL",
                                                         "SET",
                                                         "SETBIT",
                                                         "SETEX",
                                                         "SETNX",
                                                         "SETRANGE",
                                                         "SHUTDOWN",
                                                         "SINTER",
                                                         "SINTERCARD",
                                                         "SINTERSTORE",
                                                         "SISMEMBER",
                                                         "SLAVEOF",
                                                         "SLOWLOG",
                                                         "SMEMBERS",
                                                         "SMISMEMBER",
                                                         "SMOVE",
                                                         "SORT",
                                                         "SORT_RO",
                                                         "SPOP",
                                                         "SPUBLISH",
                                                         "SRANDMEMBER",
                                                         "SREM",
                                                         "SSCAN",
                                                         "SSUBSCRIBE",
                                                         "STRLEN",
                                                         "SUBSCRIBE",
                                                         "SUBSTR",
                                                         "SUNION",
                                                         "SUNIONSTORE",
                                                         "SUNSUBSCRIBE",
                                                         "SWAPDB",
                                                         "SYNC",
                                                         "TIME",
                                                         "TOUCH",
                                                         "TTL",
                                                         "TYPE",
                                                         "UNLINK",
                                                         "UNSUBSCRIBE",
                                                         "UNWATCH",
                                                         "WAIT",
                                                         "WAITAOF",
                                                         "WATCH",
                                                         "XACK",
                                                         "XADD",
                                                         "XAUTOCLAIM",
                                                         "XCLAIM",
                                                         "XDEL",
                                                         "XGROUP",
                                                         "XINFO",
                                                         "XLEN",
                                                         "XPENDING",
                                                         "XRANGE",
                                                         "XREAD",
                                                         "XREADGROUP",
                                                         "XREVRANGE",
                                                         "XSETID",
                                                         "XTRIM",
                                                         "ZADD",
                                                         "ZCARD",
                                                         "ZCOUNT",
                                                         "ZDIFF",
                                                         "ZDIFFSTORE",
                                                         "ZINCRBY",
                                                         "ZINTER",
                                                         "ZINTERCARD",
                                                         "ZINTERSTORE",
                                                         "ZLEXCOUNT",
                                                         "ZMPOP",
                                                         "ZMSCORE",
                                                         "ZPOPMAX",
                                                         "ZPOPMIN",
                                                         "ZRANDMEMBER",
                                                         "ZRANGE",
                                                         "ZRANGEBYLEX",
                                                         "ZRANGEBYSCORE",
                                                         "ZRANGESTORE",
                                                         "ZRANK",
                                                         "ZREM",
                                                         "ZREMRANGEBYLEX",
                                                         "ZREMRANGEBYRANK",
                                                         "ZREMRANGEBYSCORE",
                                                         "ZREVRANGE",
                                                         "ZREVRANGEBYLEX",
                                                         "ZREVRANGEBYSCORE",
                                                         "ZREVRANK",
                                                         "ZSCAN",
                                                         "ZSCORE",
                                                         "ZUNION",
                                                         "ZUNIONSTORE"});
static_assert(std::is_sorted(kKnown.begin(), kKnown.end()));

}  // namespace

bool same_word(Bytes word, std::string_view upper_case) {
  if (word.size() != upper_case.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (upper(word[i]) != static_cast<std::uint8_t>(upper_case[i])) return false;
  }
  return true;
}

std::span<const std::string_view> known_commands() { return kKnown; }

bool is_known_command(Bytes name) {
  std::array<char, 24> word;
  if (name.empty() || name.size() > word.size()) return false;
  std::transform(name.begin(), name.end(), word.begin(),
                 [](std::uint8_t octet) { return static_cast<char>(upper(octet)); });
  return std::binary_search(kKnown.begin(), kKnown.end(), std::string_view(word.data(), name.size()));
}

CommandKind kind_of(Bytes name) {
  if (name.size() < 3 || name.size() > kLongestKind) return CommandKind::plain;
  // The name in capitals: clearing a bit makes letters capital, and makes no letter of anything else. What stands
  // behind the name in memory is readable and is masked away.
  std::uint64_t first;
  std::memcpy(&first, name.data(), sizeof first);
  first &= 0xdfdfdfdfdfdfdfdfu;
  std::uint32_t second = 0;
  if (name.size() < 8) {
    first &= (std::uint64_t{1} << (8 * name.size())) - 1;
  } else if (name.size() > 8) {
    std::memcpy(&second, name.data() + 8, sizeof second);
    second &= 0xdfdfdfdfu;
    if (name.size() < kLongestKind) second &= (std::uint32_t{1} << (8 * (name.size() - 8))) - 1;
  }
  const auto only = [&](CommandKind kind) { return second == 0 ? kind : CommandKind::plain; };
  switch (first) {
    case first_of("ACL"):
      return CommandKind::acl;
    case first_of("AUTH"):
      return CommandKind::auth;
    case first_of("CLIENT"):
      return CommandKind::client;
    case first_of("CONFIG"):
      return CommandKind::config;
    case first_of("CLUSTER"):
    case first_of("COMMAND"):
    case first_of("DEBUG"):
    case first_of("LATENCY"):
    case first_of("MEMORY"):
    case first_of("MODULE"):
    case first_of("SCRIPT"):
    case first_of("XGROUP"):
    case first_of("XINFO"):
      return CommandKind::container;
    case first_of("FUNCTION"):
      return only(CommandKind::container);
    case first_of("DISCARD"):
    case first_of("EXEC"):
      return CommandKind::exec;
    case first_of("HELLO"):
      return CommandKind::hello;
    case first_of("MIGRATE"):
      return CommandKind::migrate;
    case first_of("MONITOR"):
      return CommandKind::monitor;
    case first_of("MULTI"):
      return CommandKind::multi;
    case first_of("PSYNC"):
    case first_of("SYNC"):
      return CommandKind::replicate;
    case first_of("REPLCONF"):
      return only(CommandKind::replconf);
    case first_of("RESET"):
      return CommandKind::reset;
    case first_of("SELECT"):
      return CommandKind::select;
    case first_of("SENTINEL"):
      return only(CommandKind::sentinel);
    case first_of("SUBSCRIBE"):
      return second == rest_of("SUBSCRIBE") ? CommandKind::subscribe : CommandKind::plain;
    case first_of("PSUBSCRIBE"):  // and SSUBSCRIBE below: the first letter differs
      return second == rest_of("PSUBSCRIBE") ? CommandKind::subscribe : CommandKind::plain;
    case first_of("SSUBSCRIBE"):
      return second == rest_of("SSUBSCRIBE") ? CommandKind::subscribe : CommandKind::plain;
    case first_of("UNSUBSCRIBE"):
      return second == rest_of("UNSUBSCRIBE") ? CommandKind::unsubscribe : CommandKind::plain;
    case first_of("PUNSUBSCRIBE"):
      return second == rest_of("PUNSUBSCRIBE") ? CommandKind::unsubscribe : CommandKind::plain;
    case first_of("SUNSUBSCRIBE"):
      return second == rest_of("SUNSUBSCRIBE") ? CommandKind::unsubscribe : CommandKind::plain;
    default:
      return CommandKind::plain;
  }
}

bool CommandBuilder::is_secret(Bytes argument, std::uint64_t index) {
  if (secret_in_ != 0) {
    --secret_in_;
    if (secret_in_ == 0) return true;
  }
  switch (command_.kind) {
    case CommandKind::auth:  // AUTH [username] password
      return index >= 2 || (index == 1 && count_ == 2);
    case CommandKind::hello:  // HELLO version AUTH username password
      if (index >= 2 && same_word(argument, "AUTH")) secret_in_ = 2;
      return false;
    case CommandKind::migrate:  // MIGRATE host port key db timeout … AUTH password | AUTH2 username password
      if (index >= 6 && same_word(argument, "AUTH")) secret_in_ = 1;
      if (index >= 6 && same_word(argument, "AUTH2")) secret_in_ = 2;
      return false;
    case CommandKind::config:  // CONFIG SET parameter value [parameter value …]
      if (index == 1) sets_ = same_word(argument, "SET");
      if (sets_ && index % 2 == 0 &&
          (same_word(argument, "REQUIREPASS") || same_word(argument, "MASTERAUTH") ||
           same_word(argument, "TLS-KEY-FILE-PASS") || same_word(argument, "TLS-CLIENT-KEY-FILE-PASS"))) {
        secret_in_ = 1;
      }
      return false;
    case CommandKind::sentinel:  // SENTINEL SET name auth-pass value
      if (index == 1) sets_ = same_word(argument, "SET");
      if (sets_ && index >= 3 && (same_word(argument, "AUTH-PASS") || same_word(argument, "SENTINEL-PASS")))
        secret_in_ = 1;
      return false;
    case CommandKind::acl:  // ACL SETUSER username [>password | <password | #hash | !hash | other rules]
      if (index == 1) sets_ = same_word(argument, "SETUSER");
      return sets_ && index >= 3 && !argument.empty() &&
             (argument[0] == '>' || argument[0] == '<' || argument[0] == '#' || argument[0] == '!');
    default:
      return false;
  }
}

void CommandBuilder::look_closer(MessageText& text) {
  const std::uint64_t index = index_ - 1;
  const Bytes argument = text.part(argument_, text.size());
  if (command_.kind == CommandKind::client && index == 2 &&
      same_word(
          text.part(command_.method_size - std::min<std::uint32_t>(command_.method_size, 5), command_.method_size),
          "REPLY")) {
    if (same_word(argument, "ON")) command_.answers = Command::Answers::on;
    if (same_word(argument, "OFF")) command_.answers = Command::Answers::off;
    if (same_word(argument, "SKIP")) command_.answers = Command::Answers::skip;
  }
  if (command_.kind == CommandKind::replconf && index == 1 && same_word(argument, "ACK")) {
    command_.answers = Command::Answers::never;
  }
  if (!is_secret(argument, index) || !redact_) return;
  text.shrink(argument_ + (command_.kind == CommandKind::acl ? 1 : 0));
  text.append("REDACTED");
  const auto size = static_cast<std::uint32_t>(text.size());
  if (command_.resource_begin == argument_ && command_.resource_size != 0) command_.resource_size = size - argument_;
}

}  // namespace spanbeat::redis
