// The DNS decoder: one document for each query with its answer, over UDP and TCP.
//
// What:   a query waits, as the octets that it came in, for the answer with its identifier from the other end. The
// document is
//         written when the answer comes, or when the query is given up.
// Limits: at most Pending::kMost queries wait in a conversation; the oldest is told as unanswered to make room. Of
// several
//         questions in a message the first one counts. A zone transfer is one document, of its first message.
#pragma once

#include <memory>

#include "decoders/dns.config.gen.h"
#include "decoders/dns/message.h"
#include "decoders/dns/suffixes.h"
#include "decoders/dns/text.h"
#include "decoders/pending.h"

namespace spanbeat {

// A query that waits; its octets lie behind it.
struct DnsQuery : PendingLinks<DnsQuery> {
  std::uint32_t size = 0;    // of its octets
  std::uint32_t length = 0;  // as it is counted: with the length prefix of TCP
  std::uint32_t question_end = 0;
  std::uint16_t question_type = 0;
  std::uint16_t question_class = 0;
  std::uint16_t flags = 0;
  bool has_question = false;
  bool has_opt = false;
  bool udp = false;
  // A zone transfer of which the first message was seen: its document, and what tells its end.
  bool transferring = false;
  std::uint32_t transfer_serial = 0;
  std::uint32_t transfer_soas = 0;
  Event transfer;
};

struct DnsState {
  // One direction of a TCP connection.
  struct Stream {
    Time began = kNever;     // when the first octet of a message came that is not whole yet
    std::uint32_t need = 0;  // octets of that message with its prefix; 0: not known yet
    std::uint32_t have = 0;  // of them
    std::uint32_t skip = 0;  // octets of a message with a hole that are still to come
    std::uint16_t id = 0;    // of that message, if its octets got so far
    bool has_id = false;
    bool confirmed = false;  // a message was read
    bool searching = false;  // behind a hole of unknown place
  };
  Pending<DnsQuery> waiting[2];  // by the end that asked
  Stream streams[2];
  bool timer = false;
};

class Dns final : public DecoderOf<Dns, DnsState> {
 public:
  static constexpr DecoderInfo kInfo = {.name = "dns",
                                        .tcp = true,
                                        .udp = true,
                                        .icmp = false,
                                        .network_protocol = "dns",
                                        .event_category = R"(["network"])",
                                        .event_type = R"(["connection","protocol"])"};
  explicit Dns(std::shared_ptr<const DnsConfig> config);
  // Complains of settings that are wrong beyond their types.
  static void check(SettingReader&, DnsConfig&) {}

  [[nodiscard]] const DecoderInfo& info() const override { return kInfo; }
  [[nodiscard]] const DecoderConfig& config() const override { return *config_; }

  [[nodiscard]] Probe probe(Direction direction, Cursor data) override;
  void on_datagram(State& state, Direction direction, Cursor data, Context& context);
  [[nodiscard]] Step on_data(State& state, Direction direction, Cursor data, Context& context);
  [[nodiscard]] GapAnswer on_gap(State& state, Direction direction, std::uint64_t octets, Context& context);
  void on_end(State& state, Direction direction, Bytes unread, Context& context);
  void on_timer(State& state, Context& context);
  [[nodiscard]] bool is_idle(const State& state) { return state.waiting[0].empty() && state.waiting[1].empty(); }
  void on_close(State& state, CloseReason reason, Context& context);

 private:
  // A message that was read, with what its place in the traffic says of it.
  struct Received {
    DnsMessage message;
    Direction direction;
    Time time;
    std::uint32_t length;
    bool udp;
    char question_name[kMaxNameText];

    // The name is shown when the answer is there.
    [[nodiscard]] bool read(Cursor octets) {
      return message.read(octets.rest(), (octets.peek(2) & 0x80) != 0 ? question_name : nullptr);
    }
  };
  void receive(State& state, const Received& received, Context& context);
  void query(State& state, const Received& received, Context& context);
  void answer(State& state, const Received& received, Context& context);
  void answer_broken(State& state, Direction direction, std::string_view note, Context& context);
  // Tells a query that has no answer.
  void give_up(State& state, Direction asker, DnsQuery* query, std::string_view note, Context& context);
  [[nodiscard]] bool is_overdue(const Pending<DnsQuery>& waiting, Time now) const {
    return !waiting.empty() && waiting.oldest()->since + config_->transaction_timeout <= now;
  }
  void expire(State& state, Time now, Context& context);
  void arm(State& state, Context& context);

  // Is that the first of several messages of a transfer? Then the event is kept open.
  [[nodiscard]] static bool begin_transfer(DnsQuery& query, const DnsMessage& message, Event& event);
  // Was that the last message of the transfer?
  [[nodiscard]] static bool transfer_ends(DnsQuery& query, const DnsMessage& message);

  // All that a query and a message, its answer or itself, have to say; `asked` is what the query asks for.
  void write_document(Event& event, const DnsQuery& query, CheckedText asked, const DnsMessage& message);

  std::shared_ptr<const DnsConfig> config_;
  const PublicSuffixes& suffixes_;
  std::unique_ptr<char[]> text_;  // kRecordText characters, and kPadding
  DnsTextBuffer scratch_;
};

}  // namespace spanbeat
