// Stories of TCP: what a decoder is shown, whatever happens to the segments on the way.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "dataplane/testing/recorder.h"

namespace spanbeat::testing {
namespace {

using Lines = std::vector<std::string>;

// A conversation whose frames can be put in any order; times are a millisecond apart in the order of sending.
class Conversation {
 public:
  explicit Conversation(std::uint32_t client_isn = 1000, std::uint32_t server_isn = 5000)
      : client_(client_isn), server_(server_isn) {}
  void handshake() {
    send({true, client_, 0, "S", ""});
    send({false, server_, client_ + 1, "SA", ""});
    ++client_;
    ++server_;
    send({true, client_, server_, "A", ""});
  }
  void skip_handshake() {
    ++client_;
    ++server_;
  }
  void client(std::string_view data) {
    send({true, client_, server_, "PA", data});
    client_ += static_cast<std::uint32_t>(data.size());
  }
  void server(std::string_view data) {
    send({false, server_, client_, "PA", data});
    server_ += static_cast<std::uint32_t>(data.size());
  }
  void client_fin() { send({true, client_++, server_, "FA", ""}); }
  void server_fin() { send({false, server_++, client_, "FA", ""}); }
  void client_rst() { send({true, client_, server_, "RA", ""}); }
  void client_ack() { send({true, client_, server_, "A", ""}); }
  void server_ack() { send({false, server_, client_, "A", ""}); }
  void send(const TcpSegment& segment) { frames.push_back({time += kMillisecond, frame(tuple, segment)}); }

  struct Timed {
    Time time;
    std::string octets;
  };
  std::vector<Timed> frames;
  Tuple tuple;
  Time time = 1'700'000'000 * kSecond;
  std::uint32_t client_;
  std::uint32_t server_;
};

Ran play(const std::vector<Conversation::Timed>& frames, Record how = {}, WorkerConfig config = {}) {
  FrameSource source;
  for (const auto& each : frames) source.add(each.time, each.octets);
  Ran ran;
  ran.record = std::move(how);
  run(source, config, ran);
  EXPECT_TRUE(accounting_holds(ran.counters));
  return ran;
}

TEST(Streams, DataInOrderIsShownAsItComes) {
  Conversation c;
  c.handshake();
  c.client("hello ");
  c.client("server");
  c.server("hello client");
  c.client_fin();
  c.server_fin();
  EXPECT_EQ(play(c.frames).record.lines, (Lines{">hello server", "<hello client", "end>", "end<", "close fin"}));
}

TEST(Streams, SegmentsOutOfOrderAreShownInOrder) {
  Conversation c;
  c.handshake();
  c.client("one ");
  c.client("two ");
  c.client("three");
  std::swap(c.frames[3], c.frames[5]);
  const Ran ran = play(c.frames);
  EXPECT_EQ(ran.record.lines, (Lines{">one two three", "close shutdown"}));
  EXPECT_EQ(ran.counters.get(Counter::tcp_out_of_order), 2);
  EXPECT_EQ(ran.counters.get(Counter::tcp_gaps), 0);
}

TEST(Streams, HeldDataKeepsItsOwnTime) {
  Conversation c;
  c.handshake();
  c.client("a");
  c.client("b");
  const Time first = c.frames[3].time;
  std::swap(c.frames[3], c.frames[4]);
  const Ran ran = play(c.frames, {.lines = {}, .show_time = true});
  EXPECT_EQ(ran.record.lines, (Lines{"time> " + std::to_string(first), ">a",
                                     "time> " + std::to_string(first + kMillisecond), ">b", "close shutdown"}));
}

TEST(Streams, AnswerIsNotShownBeforeItsRequest) {
  Conversation c;
  c.handshake();
  c.client("request");
  c.server("response");
  std::swap(c.frames[3], c.frames[4]);
  EXPECT_EQ(play(c.frames).record.lines, (Lines{">request", "<response", "close shutdown"}));
}

TEST(Streams, SequenceNumbersWrap) {
  Conversation c(0xfffffff0, 0xfffffffa);
  c.handshake();
  for (int i = 0; i < 8; ++i) {
    c.client("12345678");
    c.server("abcd");
  }
  std::swap(c.frames[5], c.frames[7]);
  std::swap(c.frames[6], c.frames[8]);
  const Ran ran = play(c.frames);
  std::string client;
  for (const std::string& line : ran.record.lines) {
    if (line[0] == '>') client += line.substr(1);
  }
  EXPECT_EQ(client.size(), 64U);
  EXPECT_EQ(ran.counters.get(Counter::tcp_gaps), 0);
}

TEST(Streams, RepeatedDataIsShownOnce) {
  Conversation c;
  c.handshake();
  c.client("once");
  c.frames.push_back(c.frames.back());
  c.client(" more");
  const Ran ran = play(c.frames);
  EXPECT_EQ(ran.record.lines, (Lines{">once more", "close shutdown"}));
  EXPECT_EQ(ran.counters.get(Counter::tcp_retransmitted), 4);
}

TEST(Streams, AnOverlapAddsOnlyWhatIsNew) {
  Conversation c;
  c.handshake();
  c.client("abcd");
  c.send({true, 1001 + 2, 5001, "A", "cdef"});
  EXPECT_EQ(play(c.frames).record.lines, (Lines{">abcdef", "close shutdown"}));
}

TEST(Streams, OfTwoCopiesThatDifferTheFirstIsKept) {
  Conversation c;
  c.handshake();
  c.send({true, 1001 + 4, 5001, "A", "FIRST"});
  c.send({true, 1001 + 4, 5001, "A", "OTHER"});
  c.send({true, 1001, 5001, "A", "head"});
  const Ran ran = play(c.frames);
  EXPECT_EQ(ran.record.lines, (Lines{">headFIRST", "close shutdown"}));
  EXPECT_EQ(ran.counters.get(Counter::tcp_overlap_conflicts), 1);
}

TEST(Streams, HeldSegmentsThatOverlapInPartFitTogether) {
  Conversation c;
  c.handshake();
  c.send({true, 1001 + 6, 5001, "A", "ghi"});
  c.send({true, 1001 + 2, 5001, "A", "cde"});
  c.send({true, 1001 + 1, 5001, "A", "bcdefghijk"});
  c.send({true, 1001, 5001, "A", "a"});
  EXPECT_EQ(play(c.frames).record.lines, (Lines{">abcdefghijk", "close shutdown"}));
}

TEST(Streams, AnAcknowledgedHoleIsGivenUpAfterSixtyFourPackets) {
  Conversation c;
  c.handshake();
  c.client("first");
  c.client_ += 10;  // never captured
  c.client("second");
  for (int i = 0; i < 70; ++i) c.server_ack();
  c.client("third");
  const Ran ran = play(c.frames);
  EXPECT_EQ(ran.record.lines, (Lines{">first", "gap> 10", ">secondthird", "close shutdown"}));
  EXPECT_EQ(ran.counters.get(Counter::tcp_gap_bytes), 10);
}

TEST(Streams, AnAcknowledgedHoleIsGivenUpAfterASecond) {
  Conversation c;
  c.handshake();
  c.client("first");
  c.client_ += 3;
  c.client("second");
  c.server_ack();
  c.time += 1100 * kMillisecond;
  c.server_ack();
  c.client("third");
  EXPECT_EQ(play(c.frames).record.lines, (Lines{">first", "gap> 3", ">secondthird", "close shutdown"}));
}

TEST(Streams, AHoleThatNobodyAcknowledgedWaitsForTheRepetition) {
  Conversation c;
  c.handshake();
  c.client("first ");
  const std::uint32_t lost = c.client_;
  c.client_ += 5;
  c.client("third");
  for (int i = 0; i < 100; ++i) c.send({false, c.server_, lost, "A", ""});  // duplicate ACKs
  c.send({true, lost, c.server_, "PA", "2nd, "});
  EXPECT_EQ(play(c.frames).record.lines, (Lines{">first 2nd, third", "close shutdown"}));
}

TEST(Streams, AtTheEndWhatIsHeldIsShownBehindItsHole) {
  Conversation c;
  c.handshake();
  c.client("first");
  c.client_ += 4;
  c.client("second");
  EXPECT_EQ(play(c.frames).record.lines, (Lines{">first", "gap> 4", ">second", "close shutdown"}));
}

TEST(Streams, MidStreamBeginsWithTheEarliestSegmentSeen) {
  Conversation c;
  c.skip_handshake();
  c.client("GET ");
  c.client("it");
  c.server("here");
  std::swap(c.frames[0], c.frames[1]);
  const Ran ran = play(c.frames);
  EXPECT_EQ(ran.record.lines, (Lines{">GET it", "<here", "close shutdown"}));
  EXPECT_EQ(ran.counters.get(Counter::tcp_midstream), 1);
}

TEST(Streams, MidStreamDoesNotWaitForEver) {
  Conversation c;
  c.skip_handshake();
  for (int i = 0; i < 100; ++i) c.client("x");
  c.time += 2 * kSecond;
  c.client("y");
  EXPECT_EQ(play(c.frames).record.lines, (Lines{">" + std::string(100, 'x') + "y", "close shutdown"}));
}

TEST(Streams, OneSidedCaptureIsDecoded) {
  Conversation c;
  c.handshake();
  c.client("question 1 ");
  c.server("answer");
  c.client("question 2");
  std::erase_if(c.frames, [](const auto& f) { return f.octets[5] == 1; });  // to the client's MAC address
  const Ran ran = play(c.frames);
  EXPECT_EQ(ran.record.lines, (Lines{">question 1 question 2", "close shutdown"}));
}

TEST(Streams, AnswerSideAloneIsDecoded) {
  Conversation c;
  c.handshake();
  c.client("question");
  c.server("answer 1 ");
  c.client("question");
  c.server("answer 2");
  std::erase_if(c.frames, [](const auto& f) { return f.octets[5] == 2; });
  EXPECT_EQ(play(c.frames).record.lines, (Lines{"<answer 1 answer 2", "close shutdown"}));
}

TEST(Streams, TheOneWhoSentTheSynIsTheOriginatorWhateverCameFirst) {
  Conversation c;
  c.handshake();
  c.client("q");
  c.server("a");
  std::reverse(c.frames.begin(), c.frames.end());
  EXPECT_EQ(play(c.frames).record.lines, (Lines{">q", "<a", "close shutdown"}));
}

TEST(Streams, ResetWaitsForWhatIsStillOnTheWay) {
  Conversation c;
  c.handshake();
  c.client("q");
  c.server("a");
  c.client_rst();
  std::swap(c.frames[4], c.frames[5]);
  EXPECT_EQ(play(c.frames).record.lines, (Lines{">q", "<a", "close rst"}));
}

TEST(Streams, ResetClosesAfterASecond) {
  Conversation c;
  c.handshake();
  c.client("q");
  c.client_rst();
  c.time += 2 * kSecond;
  Conversation other;
  other.tuple.client_port = 40001;
  other.time = c.time;
  other.handshake();
  other.client("z");
  c.frames.insert(c.frames.end(), other.frames.begin(), other.frames.end());
  EXPECT_EQ(play(c.frames).record.lines, (Lines{">q", "close rst", ">z", "close shutdown"}));
}

TEST(Streams, ANewSynOnTheSamePortsBeginsANewConnection) {
  Conversation c;
  c.handshake();
  c.client("old");
  c.client_fin();
  c.server_fin();
  Conversation next(900000, 700000);
  next.time = c.time;
  next.handshake();
  next.client("new");
  c.frames.insert(c.frames.end(), next.frames.begin(), next.frames.end());
  EXPECT_EQ(play(c.frames).record.lines, (Lines{">old", "end>", "end<", "close fin", ">new", "close shutdown"}));
}

TEST(Streams, ALateCopyOfTheSynDoesNotBeginTheConnectionAgain) {
  Conversation c;
  c.handshake();
  c.client("q");
  c.client_fin();
  c.server_fin();
  c.frames.push_back(c.frames[0]);
  c.frames.push_back(c.frames[1]);
  c.frames.push_back(c.frames[3]);
  EXPECT_EQ(play(c.frames).record.lines, (Lines{">q", "end>", "end<", "close fin"}));
}

TEST(Streams, ANewSynEndsAConnectionThatNeverClosed) {
  Conversation c;
  c.handshake();
  c.client("old");
  Conversation next(0x70000000, 0x60000000);
  next.time = c.time;
  next.handshake();
  next.client("new");
  c.frames.insert(c.frames.end(), next.frames.begin(), next.frames.end());
  EXPECT_EQ(play(c.frames).record.lines, (Lines{">old", "close timeout", ">new", "close shutdown"}));
}

TEST(Streams, IdleConnectionIsFlushedAndGoesOnInPlace) {
  Conversation c;
  c.handshake();
  c.client("one");
  c.time += 15 * kSecond;
  c.client("two");
  EXPECT_EQ(play(c.frames).record.lines, (Lines{">one", "close timeout", ">two", "close shutdown"}));
}

TEST(Streams, WhatTheDecoderLeavesIsShownAgainWithMore) {
  Conversation c;
  c.handshake();
  for (const char* part : {"12", "345", "6", "7890123", "4"}) c.client(part);
  c.client_fin();
  const Ran ran = play(c.frames, {.lines = {}, .show_time = false, .message = 5});
  EXPECT_EQ(ran.record.lines, (Lines{">1234567890", "end> 1234", "close shutdown"}));
}

TEST(Streams, SkippedOctetsAreNotShown) {
  Conversation c;
  c.handshake();
  c.client("headBxx");
  c.client("xxxx");
  c.client("xxxxnext");
  EXPECT_EQ(play(c.frames, {.lines = {}, .show_time = false, .message = 0, .skip_after = 10}).record.lines,
            (Lines{">headBnext", "close shutdown"}));
}

TEST(Streams, WhatWaitedForASkippedSegmentIsShownAsItsOwnConnections) {
  Conversation c;
  c.handshake();
  c.client("headB");
  c.client("xxxxx");
  c.client("xxxxxnext");
  Conversation other;
  other.tuple.client_port = 40001;
  other.time = c.time;
  other.handshake();
  other.client("other");
  // The skipped segment comes last, and nobody is asked about it.
  c.frames.insert(c.frames.end() - 2, other.frames.begin(), other.frames.end());
  std::rotate(c.frames.end() - 2, c.frames.end() - 1, c.frames.end());
  std::rotate(c.frames.end() - 6, c.frames.end() - 2, c.frames.end() - 1);
  const Ran ran = play(c.frames, {.lines = {}, .show_port = true, .skip_after = 10});
  EXPECT_EQ(ran.record.lines, (Lines{"port 40000", ">headB", "port 40001", ">other", "port 40000", ">next",
                                     "close shutdown", "close shutdown"}));
}

TEST(Streams, AHoleInsideASkipCountsAgainstIt) {
  Conversation c;
  c.handshake();
  c.client("headBxx");
  c.client_ += 6;
  c.client("xxnext");
  EXPECT_EQ(play(c.frames, {.lines = {}, .show_time = false, .message = 0, .skip_after = 10}).record.lines,
            (Lines{">headB", "gap> 6", ">next", "close shutdown"}));
}

TEST(Streams, HeldSegmentsAreBounded) {
  WorkerConfig config;
  config.streams.held_per_connection = 4096;
  Conversation c;
  c.handshake();
  c.client("begin");
  c.client_ += 1;
  const std::string block(500, 'z');
  for (int i = 0; i < 20; ++i) c.client(block);
  const Ran ran = play(c.frames, {}, config);
  EXPECT_EQ(ran.record.lines, (Lines{">begin", "gap> 1", ">" + std::string(10000, 'z'), "close shutdown"}));
  EXPECT_EQ(ran.counters.get(Counter::tcp_held_limit), 1);
}

TEST(Streams, APacketThatWasCutShowsAHole) {
  Conversation c;
  c.handshake();
  c.client("whole message");
  c.client("next");
  FrameSource source;
  for (std::size_t i = 0; i < c.frames.size(); ++i) {
    const std::string& octets = c.frames[i].octets;
    if (i == 3) {
      source.add(c.frames[i].time, octets.substr(0, octets.size() - 8), static_cast<std::uint32_t>(octets.size()));
    } else {
      source.add(c.frames[i].time, octets);
    }
  }
  Ran ran;
  run(source, {}, ran);
  EXPECT_EQ(ran.record.lines, (Lines{">whole", "gap> 8", ">next", "close shutdown"}));
}

TEST(Streams, DatagramsReachTheDecoderWithTheirDirection) {
  FrameSource source;
  source.add(kSecond, datagram_frame({}, true, "ping"));
  source.add(kSecond + 1, datagram_frame({}, false, "pong"));
  Ran ran;
  run(source, {}, ran);
  EXPECT_EQ(ran.record.lines, (Lines{">ping", "<pong", "close shutdown"}));
  EXPECT_TRUE(accounting_holds(ran.counters));
}

TEST(Streams, AnIdleConversationGivesItsStateBack) {
  FrameSource source;
  Tuple tuple;
  for (std::uint16_t i = 0; i < 50; ++i) {
    tuple.client_port = static_cast<std::uint16_t>(40000 + i);
    source.add((1 + 2 * i) * kMillisecond, datagram_frame(tuple, true, "ask"));
    source.add((2 + 2 * i) * kMillisecond, datagram_frame(tuple, false, "answer."));
  }
  Ran ran;
  run(source, {}, ran);
  EXPECT_EQ(ran.record.states.size(), 1U);
  EXPECT_EQ(ran.record.lines.size(), 100U);  // nothing is left to be closed
}

// Later TLS, a protocol that is not what the port says: nothing is put in order or held any more.
TEST(Streams, AConnectionThatIsOverCostsItsCountersAlone) {
  Conversation c;
  c.handshake();
  c.client("hello");
  for (int i = 0; i < 20; ++i) {
    c.server("later " + std::to_string(i));
    c.client("and later");
  }
  for (std::size_t i = 6; i + 2 < c.frames.size(); i += 4) std::swap(c.frames[i], c.frames[i + 2]);
  Record how;
  how.done_after = 5;
  const Ran ran = play(c.frames, how);
  EXPECT_EQ(ran.record.lines, Lines{">hello"});
  EXPECT_EQ(ran.counters.get(Counter::capture_to_decoder), 1U);
  EXPECT_EQ(ran.counters.get(Counter::capture_flow_only), c.frames.size() - 1);
  EXPECT_EQ(ran.counters.get(Counter::tcp_connections), 1U);
  EXPECT_EQ(ran.counters.get(Counter::tcp_out_of_order), 0U);
  EXPECT_EQ(ran.counters.get(Counter::tcp_gaps), 0U);
}

// The property behind the shuffle figure of the project: any order within a window gives the same streams.
TEST(Streams, AnyOrderWithinSixteenPacketsGivesTheSameStreams) {
  Conversation c;
  c.handshake();
  for (int i = 0; i < 60; ++i) {
    c.client("request number " + std::to_string(i) + "\n");
    c.server_ack();
    c.server("response part one of " + std::to_string(i));
    c.server(" and part two\n");
    c.client_ack();
  }
  c.client_fin();
  c.server_fin();
  c.client_ack();
  const Lines expected = play(c.frames).record.lines;
  ASSERT_EQ(expected.back(), "close fin");
  for (unsigned seed = 1; seed <= 200; ++seed) {
    std::mt19937 random(seed);
    auto frames = c.frames;
    for (std::size_t i = 0; i < frames.size(); i += 16) {
      const auto last = frames.begin() + static_cast<std::ptrdiff_t>(std::min(i + 16, frames.size()));
      std::shuffle(frames.begin() + static_cast<std::ptrdiff_t>(i), last, random);
    }
    ASSERT_EQ(play(frames).record.lines, expected) << "seed " << seed;
  }
}

}  // namespace
}  // namespace spanbeat::testing
