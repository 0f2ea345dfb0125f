// Events as they are written: one field at a time, several at once, and where there is no room.
#include "dataplane/event/event_view.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "dataplane/testing/encoded.h"

namespace spanbeat {
namespace {

// The texts of an event's entries as they lie there, in their order, each behind what it is.
std::vector<std::pair<EntryHead, std::string>> entries_of(Event& event) {
  const testing::Encoded encoded(event);
  const EventView view = encoded.view();
  std::vector<std::pair<EntryHead, std::string>> entries;
  for (std::size_t i = 0; i < view.size(); ++i) entries.emplace_back(view.head(i), text(view.value(i)));
  return entries;
}

// The octets of a text as long as `size`.
std::string text_of(std::size_t size) {
  std::string made;
  for (std::size_t i = 0; i < size; ++i) made += static_cast<char>('a' + i % 26);
  return made;
}

TEST(Event, SeveralFieldsAtOnceAreTheSameAsOneAfterTheOther) {
  EventArena arena;
  for (std::size_t size = 0; size < 80; ++size) {
    const std::string name = text_of(size);
    Event single(arena);
    single.set<F::dns_question_name>(name);
    single.set<F::dns_opt_do>(true);
    single.set<F::dns_id>(-7);
    single.append_text<F::dns_op_code>("QUERY");
    Event together(arena);
    together.set_all<F::dns_question_name, F::dns_opt_do, F::dns_id, F::dns_op_code>(name, true, -7, "QUE");
    together.append_text<F::dns_op_code>("RY");  // to the last of them
    EXPECT_EQ(entries_of(single), entries_of(together));
  }
}

TEST(Event, ABatchIsTheSameAsOneFieldAfterTheOther) {
  static const std::string_view kNames[] = {"RD", "RA"};
  static const Word kFlags = Word::list(kNames);
  EventArena arena;
  for (std::size_t size = 0; size < 80; ++size) {
    const std::string name = text_of(size);
    Event single(arena);
    single.set<F::dns_id>(7);
    single.set<F::resource>(CheckedText{name, true});
    single.set<F::dns_opt_do>(true);
    single.set<F::dns_header_flags>(kFlags);
    single.set<F::query>(CheckedText{"class IN, " + name, false});
    single.append_text<F::query>("!");
    Event together(arena);
    together.set<F::dns_id>(7);
    {
      Event::Batch batch(together, 200, 8);
      ASSERT_TRUE(batch);
      batch.set<F::resource>(CheckedText{name, true});
      batch.set<F::dns_opt_do>(true);
      batch.set<F::dns_header_flags>(kFlags);
      batch.set_joined<F::query>("class IN, ", {name, false});
    }
    together.append_text<F::query>("!");
    EXPECT_EQ(entries_of(single), entries_of(together));
  }
}

TEST(Event, ABatchWithoutRoomSetsNothingAndTheEventSaysSo) {
  EventArena arena(2048);
  Event event(arena);
  ASSERT_TRUE(event);
  event.set<F::dns_id>(7);
  EXPECT_FALSE(Event::Batch(event, 3000, 1));
  EXPECT_EQ(event.header().truncated, 1);
  EXPECT_EQ(entries_of(event).size(), 1U);
  Event nothing;
  EXPECT_FALSE(Event::Batch(nothing, 0, 1));
}

TEST(Event, ATextThatIsCleanSaysSoUntilSomethingIsAdded) {
  EventArena arena;
  Event event(arena);
  event.set<F::query>(CheckedText{"plain", true});
  event.set_same<F::resource>(0);
  event.set<F::path>(CheckedText{"\"", false});
  event.set<F::request>(CheckedText{"a", true});
  event.append_text<F::request>("\"");
  const auto entries = entries_of(event);
  ASSERT_EQ(entries.size(), 4U);
  EXPECT_EQ(tag_of(entries[0].first), kIsClean);
  EXPECT_EQ(same_as(entries[1].first), 1U);
  EXPECT_EQ(tag_of(entries[2].first), kHasValue);
  EXPECT_EQ(entries[3], std::pair(entry_head(F::request), std::string("a\"")));
}

TEST(Event, AWordMayBeAList) {
  static const std::string_view kNames[] = {"RD", "RA"};
  const Word list = Word::list(kNames);
  EXPECT_EQ(list.number(), Word::list(kNames).number());
  EXPECT_EQ(list.text(), R"(["RD","RA"])");
  EXPECT_TRUE(Word("RD").values().empty());
  EventArena arena;
  Event event(arena);
  event.set<F::dns_header_flags>(list);
  event.set<F::dns_header_flags>("AD");
  const testing::Encoded encoded(event);
  const EventView view = encoded.view();
  std::string flags;
  for (std::size_t entry = 0; entry < view.size(); ++entry)
    view.each_value(entry, FieldType::keyword, [&flags](Bytes value) { flags += std::string(text(value)) + ";"; });
  EXPECT_EQ(flags, "RD;RA;AD;");
}

TEST(Event, AListThatTwoFieldsHaveIsCarriedOnce) {
  const IpAddress address = IpAddress::from_wire(Bytes(reinterpret_cast<const std::uint8_t*>("\x0a\0\0\1"), 4));
  EventArena arena;
  Event event(arena);
  event.set_same_list<F::related_ip, F::dns_resolved_ip>();  // there is nothing yet
  event.set_each<F::dns_resolved_ip>(3, [&address](std::size_t) { return address; });
  event.set_same_list<F::related_ip, F::dns_resolved_ip>();
  event.set<F::dns_id>(7);
  event.set_same_list<F::related_ip, F::dns_resolved_ip>();  // something else was set
  const testing::Encoded encoded(event);
  const EventView view = encoded.view();
  ASSERT_EQ(view.size(), 3U);
  EXPECT_EQ(same_as(view.head(1)), 1U);
  EXPECT_EQ(view.value(1).size(), 0U);
  std::size_t values = 0;
  view.each_value(1, FieldType::ip,
                  [&](Bytes value) { values += std::memcmp(value.data(), &address, value.size()) == 0; });
  EXPECT_EQ(values, 3U);
}

TEST(Event, ValuesOfAListLieInOneEntryUntilSomethingElseIsSet) {
  EventArena arena;
  Event event(arena);
  event.set<F::dns_header_flags>("RD");
  event.set<F::dns_header_flags>("RA");
  event.set<F::dns_id>(7);
  event.set<F::dns_header_flags>("AD");
  const testing::Encoded encoded(event);
  const EventView view = encoded.view();
  ASSERT_EQ(view.size(), 3U);
  std::vector<std::string> flags;
  for (const std::size_t entry : {0, 2}) {
    ASSERT_EQ(field_of(view.head(entry)), F::dns_header_flags);
    view.each_value(entry, FieldType::keyword, [&](Bytes value) { flags.emplace_back(text(value)); });
    flags.emplace_back("then");
  }
  EXPECT_EQ(flags, (std::vector<std::string>{"RD", "RA", "then", "AD", "then"}));
}

TEST(Event, TruthAndWordsNeedNoOctets) {
  static const Word kQuery("QUERY");
  EXPECT_EQ(kQuery.number(), Word("QUERY").number());
  EXPECT_NE(kQuery.number(), Word("NOTIFY").number());
  EventArena arena;
  Event event(arena);
  event.set_all<F::dns_opt_do, F::dns_op_code, F::dns_type, F::dns_response_code>(
      true, kQuery, TextOrWord{"answer", Word("answer")}, TextOrWord{"NOERROR", {}});
  event.set<F::method>(kQuery);
  const testing::Encoded encoded(event);
  const EventView view = encoded.view();
  ASSERT_EQ(view.size(), 5U);
  EXPECT_EQ(tag_of(view.head(0)), kIsTrue);
  EXPECT_EQ(view.text(1), "QUERY");
  EXPECT_EQ(view.text(2), "answer");
  EXPECT_EQ(view.text(3), "NOERROR");
  EXPECT_EQ(view.text(4), "QUERY");
  EXPECT_EQ(view.value(2).size(), 0U);
  EXPECT_EQ(view.value(3).size(), 7U);
}

TEST(Event, GoesOnBeingWrittenAfterItWasEncoded) {
  EventArena arena;
  Event event(arena);
  event.set<F::query>("a");
  EXPECT_EQ(entries_of(event).size(), 1U);
  event.set<F::resource>("b");
  event.append_text<F::resource>("c");
  const auto entries = entries_of(event);
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].second, "a");
  EXPECT_EQ(entries[1].second, "bc");
  EXPECT_EQ(entries, entries_of(event));
}

TEST(Event, OctetsAreCopiedUpToTheEndOfMemory) {
  // What lies behind the page must not be touched.
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void* const memory = mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  auto* const octets = static_cast<std::uint8_t*>(memory);
  ASSERT_EQ(mprotect(octets + page, page, PROT_NONE), 0);
  for (std::size_t i = 0; i < page; ++i) octets[i] = static_cast<std::uint8_t>(i * 7);
  for (std::size_t size = 0; size <= 100; ++size) {
    for (const std::size_t before_end : {size, size + 1, size + 31, size + 32, page / 2}) {
      const std::uint8_t* const from = octets + page - before_end;
      std::vector<std::uint8_t> to(size + kCopySlack + 1, 0xee);
      copy_octets(to.data(), from, size);
      EXPECT_TRUE(std::equal(from, from + size, to.begin())) << size << " octets, " << before_end << " before the end";
      EXPECT_EQ(to.back(), 0xee) << size;
    }
  }
  std::uint8_t untouched = 0xee;
  copy_octets(&untouched, nullptr, 0);
  EXPECT_EQ(untouched, 0xee);
  munmap(memory, 2 * page);
}

TEST(Event, TextsAreWrittenInTheirPlace) {
  EventArena arena;
  Event event(arena);
  event.set<F::query>("a");
  for (int i = 0; i < 40; ++i) {  // the block grows meanwhile
    char* const place = event.place_text<F::resource>(50);
    ASSERT_NE(place, nullptr);
    std::memset(place, 'a' + i % 26, 50);
  }
  event.append_text<F::resource>("end");
  const auto entries = entries_of(event);
  ASSERT_EQ(entries.size(), 41U);
  EXPECT_EQ(entries[0].second, "a");
  EXPECT_EQ(entries[1].second, std::string(50, 'a'));
  EXPECT_EQ(entries[40].second, std::string(50, 'n') + "end");
  for (int i = 0; i < 5000; ++i) event.set<F::dns_id>(i);
  EXPECT_EQ(event.place_text<F::resource>(1), nullptr);
  EXPECT_EQ(Event().place_text<F::resource>(1), nullptr);
}

TEST(Event, HasAsManyEntriesAsNeedBeAndNotWithoutEnd) {
  EventArena arena;
  Event event(arena);
  for (int i = 0; i < 5000; ++i) event.set<F::dns_id>(i);
  EXPECT_EQ(event.header().truncated, 1);
  const auto entries = entries_of(event);
  EXPECT_EQ(entries.size(), 4096U);
  const std::int64_t last = 4095;
  EXPECT_EQ(std::memcmp(entries.back().second.data(), &last, sizeof last), 0);
}

TEST(Event, FieldsAreTakenOutWhereverTheyStand) {
  EventArena arena;
  Event event(arena);
  event.set_all<F::request, F::query, F::response, F::method>("request", "query", "response", "method");
  static constexpr Field kPayload[] = {F::request, F::response};
  EXPECT_TRUE(event.remove(kPayload));
  EXPECT_FALSE(event.remove(kPayload));
  event.set<F::path>("path");
  using Entries = std::vector<std::pair<EntryHead, std::string>>;
  EXPECT_EQ(
      entries_of(event),
      (Entries{{entry_head(F::query), "query"}, {entry_head(F::method), "method"}, {entry_head(F::path), "path"}}));
}

TEST(Event, ATextThatTwoFieldsHaveIsCarriedOnce) {
  EventArena arena;
  Event event(arena);
  event.set<F::query>("GET key");
  const std::uint32_t query = event.last_entry();
  event.set<F::dns_id>(7);
  event.set_same<F::request>(query);
  event.set_same<F::resource>(event.last_entry());
  const testing::Encoded encoded(event);
  const EventView view = encoded.view();
  ASSERT_EQ(view.size(), 4U);
  for (const std::size_t entry : {0, 2, 3}) EXPECT_EQ(view.text(entry), "GET key");
  EXPECT_EQ(same_as(view.head(2)), 2U);
  EXPECT_EQ(same_as(view.head(3)), 3U);
  EXPECT_EQ(view.value(2).size() + view.value(3).size(), 0U);
}

TEST(Event, ATextThatIsTooFarAwayIsCopied) {
  EventArena arena;
  Event event(arena);
  event.set<F::query>("GET key");
  for (int i = 0; i < 70; ++i) event.set<F::dns_id>(i);
  event.set_same<F::request>(0);
  static const Word kWord("word");
  event.set<F::method>(kWord);
  event.set_same<F::resource>(event.last_entry());
  event.set_same<F::path>(1000);  // there is no such entry
  const testing::Encoded encoded(event);
  const EventView view = encoded.view();
  ASSERT_EQ(view.size(), 74U);
  EXPECT_EQ(text(view.value(71)), "GET key");
  EXPECT_EQ(view.text(73), "word");
}

TEST(Event, ATextStaysAsLongAsAFieldHasIt) {
  static constexpr Field kPayload[] = {F::request, F::response};
  EventArena arena;
  Event event(arena);
  event.set<F::request>("GET key");
  const std::uint32_t request = event.last_entry();
  event.set<F::response>("value");
  event.set<F::dns_id>(7);
  event.set_same<F::query>(request);
  event.set_same<F::resource>(request);
  EXPECT_TRUE(event.remove(kPayload));
  const testing::Encoded encoded(event);
  const EventView view = encoded.view();
  std::map<Field, std::string> texts;
  for (std::size_t entry = 0; entry < view.size(); ++entry) {
    if (field_of(view.head(entry)) != F::dns_id) texts[field_of(view.head(entry))] = view.text(entry);
  }
  EXPECT_EQ(texts, (std::map<Field, std::string>{{F::query, "GET key"}, {F::resource, "GET key"}}));
}

TEST(Event, GrowsForFieldsThatDoNotFitItsBlock) {
  EventArena arena;
  Event event(arena);
  const std::string name = text_of(3000);
  event.set_all<F::query, F::resource>(name, name);
  Event::Batch(event, 2 * name.size(), 1).set_joined<F::method>(name, {name, true});
  const auto entries = entries_of(event);
  ASSERT_EQ(entries.size(), 3U);
  EXPECT_EQ(entries[0].second, name);
  EXPECT_EQ(entries[1].second, name);
  EXPECT_EQ(entries[2].second, name + name);
  EXPECT_EQ(event.header().truncated, 0);
}

TEST(Event, WithoutRoomTextsAreCutAndTheEventSaysSo) {
  EventArena arena(2048);
  const std::string name = text_of(3000);
  {
    Event event(arena);
    ASSERT_TRUE(event);
    event.set_all<F::dns_id, F::query>(7, name);
    EXPECT_EQ(event.header().truncated, 1);
    const std::string cut = entries_of(event)[1].second;
    EXPECT_GT(cut.size(), 1000U);
    EXPECT_EQ(name.substr(0, cut.size()), cut);
  }
  EXPECT_EQ(arena.in_use(), 0U);
}

TEST(EventArena, BlocksAreKeptForTheNextAndTheCeilingHolds) {
  EventArena arena(8192);
  const EventArena::Block small = arena.allocate(100);
  ASSERT_NE(small.data, nullptr);
  EXPECT_GE(small.capacity, 100U);
  const EventArena::Block other = arena.allocate(100);
  arena.release(small);
  arena.release(other);
  EXPECT_EQ(arena.in_use(), 0U);
  const EventArena::Block again = arena.allocate(200);
  EXPECT_EQ(again.data, other.data);
  arena.release(again);
  const EventArena::Block all = arena.allocate(8192 - kPadding);
  EXPECT_NE(all.data, nullptr) << "what is kept takes no room away";
  EXPECT_EQ(arena.allocate(1).data, nullptr);
  arena.release(all);
  EXPECT_EQ(arena.allocate(8192).data, nullptr) << "more than the ceiling";
  EXPECT_EQ(arena.allocate(std::size_t{1} << 40).data, nullptr);
}

}  // namespace
}  // namespace spanbeat
