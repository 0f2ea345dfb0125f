// The MySQL decoder: the client/server protocol of MySQL and MariaDB over TCP.
//
// What:   follows both directions of a connection packet by packet, pairs commands with their responses in order, and
// gives
//         one document for each statement: COM_QUERY, COM_STMT_PREPARE, COM_STMT_EXECUTE and MariaDB's bulk execute.
//         Other commands are followed, so that nothing is paired wrongly, but give no document.
// Why:    what a response is depends on the command and on what both ends agreed on at the start of the connection;
// where
//         the start was not seen, the packets themselves tell.
// Limits: TLS and replication streams are not decoded: the connection is let go. Of a message at most kMostKept octets
// are
//         kept; at most CommandQueue::kMost commands wait on a connection.
#pragma once

#include <memory>

#include "decoders/mysql.config.gen.h"
#include "decoders/mysql/command_queue.h"
#include "decoders/mysql/compression.h"
#include "decoders/mysql/session.h"
#include "decoders/mysql/tables.h"

namespace spanbeat {

namespace mysql {

// One direction of a connection: the packet, and the message of one or more packets, that is under way there.
struct PacketStream {
  bool in_place = false;   // the next octet begins a packet, or is in one that is known
  bool kept = false;       // the message's octets are put together
  bool continued = false;  // the last packet was full: the next one goes on with the message
  bool holed = false;      // octets of the message were lost
  std::uint8_t head_size = 0;
  std::uint8_t head[kPacketHeader] = {};  // a header that came in pieces
  std::uint8_t first = 0;                 // the first octet of the message
  std::uint8_t sequence = 0;              // of its first packet
  // Of the last packet that began; of the compressed ones if there are. Only the client's is asked for.
  std::uint8_t last_sequence = 0;
  std::uint32_t left = 0;    // octets of the packet still to come
  std::uint64_t length = 0;  // octets of the message's payload
  std::uint64_t wire = 0;    // and with headers
  std::uint64_t credit = 0;  // octets of a compressed packet that no message was charged with yet
  Time begin = kNever;       // the packet of the message's first octet
  GrowBuffer message;

  void next_message() {
    kept = continued = holed = false;
    head_size = 0;
    left = 0;
    length = wire = 0;
    begin = kNever;
    message.clear();
  }
};

// A message as the state machine sees it.
struct Message {
  Bytes payload;             // shorter than `length` when not all of it was kept
  std::uint64_t length = 0;  // octets of payload
  std::uint64_t wire = 0;    // octets on the wire
  Time begin = 0;
  std::uint8_t first = 0;  // the first octet of the payload
  std::uint8_t sequence = 0;
  bool holed = false;
};

// What the server is expected to send next.
enum class Stage : std::uint8_t {
  greeting,        // the beginning of a connection
  authentication,  // of a connection, or of COM_CHANGE_USER
  response,        // the first packet of a response or of one of several results
  definitions,     // of columns
  rows_or_eof,     // behind the definitions
  rows,
  field_list,
  prepared,  // definitions of parameters and columns
  tail,      // complete, but for an EOF packet that may follow
};

// How much of a response there was.
struct ResponseSize {
  // Packetbeat's destination.bytes stops at the row in which a result passes 100 KiB, and so does ours.
  static constexpr std::uint64_t kCountedResult = std::uint64_t{100} << 10;

  std::uint64_t rows = 0;
  std::uint64_t octets = 0;   // on the wire
  std::uint64_t counted = 0;  // what destination.bytes says; 0: all of them
  // A row whose octets were added.
  void count_row() {
    ++rows;
    if (counted == 0 && octets > kCountedResult) counted = octets;
  }
};

// The response that is under way.
struct Answer {
  Stage stage = Stage::greeting;
  bool begun = false;
  bool has_columns = false;  // a result set was seen: num_fields is known
  bool holed = false;
  std::uint32_t columns_left = 0;
  std::uint32_t parameters_left = 0;
  std::uint32_t column_count = 0;
  std::uint64_t num_fields = 0;
  std::uint64_t shown_rows = 0;
  std::uint64_t affected_rows = 0;
  std::uint64_t insert_id = 0;
  ResponseSize size;
  Tables tables;
  GrowBuffer csv;
  GrowBuffer columns;  // of the binary protocol: type and UNSIGNED of each column

  void clear();
};

struct MysqlConnection {
  bool oriented = false;
  bool infile = false;     // the client sends a file
  bool unmatched = false;  // the server's octets answer nothing that was seen
  Direction client = Direction::originator;
  std::uint64_t server_capabilities = 0;
  PacketStream sides[2];  // [0] is the client's
  Answer answer;
  Session session;
  CommandQueue waiting;
};

}  // namespace mysql

class Mysql final : public DecoderOf<Mysql, mysql::MysqlConnection> {
 public:
  static constexpr DecoderInfo kInfo = {.name = "mysql",
                                        .tcp = true,
                                        .udp = false,
                                        .icmp = false,
                                        .network_protocol = "mysql",
                                        .event_category = R"(["network"])",
                                        .event_type = R"(["connection","protocol"])"};
  static constexpr std::size_t kMostKept = std::size_t{10} << 20;

  explicit Mysql(std::shared_ptr<const MysqlConfig> config) : config_(std::move(config)) {}
  // Complains of settings that are wrong beyond their types.
  static void check(SettingReader&, MysqlConfig&) {}

  [[nodiscard]] const DecoderInfo& info() const override { return kInfo; }
  [[nodiscard]] const DecoderConfig& config() const override { return *config_; }

  [[nodiscard]] Probe probe(Direction direction, Cursor data) override;
  [[nodiscard]] Step on_data(State& state, Direction direction, Cursor data, Context& context);
  [[nodiscard]] GapAnswer on_gap(State& state, Direction direction, std::uint64_t octets, Context& context);
  void on_close(State& state, CloseReason reason, Context& context);

 private:
  using Message = mysql::Message;
  using PacketStream = mysql::PacketStream;
  using PendingCommand = mysql::PendingCommand;
  // What became of a message.
  enum class Found : std::uint8_t {
    progress,  // go on
    switched,  // go on, but what follows is compressed
    nothing,   // what follows is no packet, or one of no use
    stop,      // nothing more of this connection can be read
  };

  // mysql.cc: from octets to messages.
  void orient(State& state, Direction direction, Context& context);
  [[nodiscard]] Step read_compressed(State& state, bool from_client, Bytes data, Context& context);
  // Does a packet begin here, so that reading can begin or go on?
  enum class Place : std::uint8_t { found, unknown, need_more, tls };
  [[nodiscard]] Place find_place(State& state, bool from_client, Bytes data);
  [[nodiscard]] Place find_command(State& state, Bytes data);
  [[nodiscard]] Place find_response(State& state, Bytes data);
  [[nodiscard]] Step leave(State& state, Counter why, Context& context);
  Found read_packets(State& state, bool from_client, Bytes data, std::size_t& used, Context& context);
  [[nodiscard]] std::size_t pass_packets(State& state, Bytes data, Context& context);
  [[nodiscard]] std::size_t pass_definitions(State& state, Bytes data, Context& context);
  [[nodiscard]] static std::size_t pass_rows(State& state, Bytes data);
  Found end_packet(State& state, bool from_client, Context& context);
  [[nodiscard]] bool wanted(const State& state, bool from_client, std::uint8_t first) const;
  Found handle(State& state, bool from_client, const Message& message, Context& context) {
    return from_client ? client_message(state, message, context) : server_message(state, message, context);
  }

  // handshake.cc: the beginning of a connection, and authentication.
  Found client_handshake(State& state, const Message& message, Context& context);
  Found greeting(State& state, const Message& message);
  Found authentication(State& state, const Message& message, Context& context);

  // command.cc: what the client sends.
  Found client_message(State& state, const Message& message, Context& context);
  Found command(State& state, const Message& message, Context& context);
  void begin_statement(Event& event, std::string_view sql);
  void query(State& state, Event& event, const Message& message);
  void execute(State& state, Event& event, const Message& message, Context& context);
  void prepare(PendingCommand& transaction, const Message& message, Context& context);
  void set_method(Event& event, std::string_view statement);
  void write_parameters(State& state, Event& event, mysql::Statement& statement, Cursor payload, Context& context);
  void keep_long_data(State& state, Cursor payload, Context& context);

  // response.cc: what the server sends.
  Found server_message(State& state, const Message& message, Context& context);
  void first_packet(State& state, const Message& message, Context& context);
  void ok_packet(State& state, const Message& message, Context& context);
  void error_packet(State& state, const Message& message, Context& context);
  void column_count(State& state, const Message& message);
  void definition(State& state, Bytes payload, std::uint64_t length, bool of_result, Context& context);
  void row_or_end(State& state, const Message& message, Context& context);
  void prepare_ok(State& state, const Message& message, Context& context);
  void prepared(State& state, const Message& message, Context& context);

  // document.cc: what becomes of transactions.
  void end_of_result(State& state, std::uint16_t status, Context& context);
  void finish(State& state, Context& context);
  void give_up_front(State& state, Context& context);
  void flush(State& state, Context& context);
  void write_answer(Event& event, const mysql::Answer& answer);
  [[nodiscard]] bool shows_rows(const State& state) const;
  void show_name(State& state, Bytes name, Context& context);
  void show_row(State& state, Bytes row, Context& context);

  std::shared_ptr<const MysqlConfig> config_;
  mysql::ParkedSessions parked_;
  mysql::PacketDecompressor decompressor_;
};

}  // namespace spanbeat
