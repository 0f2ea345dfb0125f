// Events as they are written: one field at a time, several at once, and where there is no room.
#include "dataplane/event/event.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace spanbeat {
namespace {

std::vector<std::uint8_t> fields_of(Event& event) {
  const Bytes encoded = event.encoded().subspan(sizeof(EventHeader));
  return {encoded.begin(), encoded.end()};
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
    // What pads a value is not said, so values are compared.
    ASSERT_EQ(fields_of(single).size(), fields_of(together).size());
    std::vector<std::uint8_t> a = fields_of(single);
    std::vector<std::uint8_t> b = fields_of(together);
    for (std::size_t at = 0; at < a.size();) {
      FieldEntry entry;
      std::memcpy(&entry, a.data() + at, sizeof entry);
      ASSERT_EQ(std::memcmp(a.data() + at, b.data() + at, sizeof entry + entry.size), 0) << size << " at " << at;
      at += entry_size(entry.size);
    }
  }
}

std::string text_at(const std::vector<std::uint8_t>& fields, std::size_t at) {
  FieldEntry entry;
  std::memcpy(&entry, fields.data() + at, sizeof entry);
  return {reinterpret_cast<const char*>(fields.data()) + at + sizeof entry, entry.size};
}

TEST(Event, PartsOfATextAreJoined) {
  using namespace std::string_view_literals;
  EventArena arena;
  Event event(arena);
  const std::string name = text_of(70);
  event.set_joined<F::query>("class "sv, "IN"sv, ""sv, ", "sv, std::string_view(name));
  event.append_text<F::query>("!");
  EXPECT_EQ(text_at(fields_of(event), 0), "class IN, " + name + "!");
}

TEST(Event, GrowsForFieldsThatDoNotFitItsBlock) {
  EventArena arena;
  Event event(arena);
  const std::string name = text_of(3000);
  event.set_all<F::query, F::resource>(name, name);
  event.set_joined<F::method>(std::string_view(name), std::string_view(name));
  const std::vector<std::uint8_t> fields = fields_of(event);
  EXPECT_EQ(text_at(fields, 0), name);
  EXPECT_EQ(text_at(fields, entry_size(name.size())), name);
  EXPECT_EQ(text_at(fields, 2 * entry_size(name.size())), name + name);
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
    const std::string cut = text_at(fields_of(event), entry_size(8));
    EXPECT_GT(cut.size(), 1000U);
    EXPECT_EQ(name.substr(0, cut.size()), cut);
  }
  {
    Event event(arena);
    ASSERT_TRUE(event);
    event.set_joined<F::query>(std::string_view("query "), std::string_view(name));
    EXPECT_EQ(event.header().truncated, 1);
    EXPECT_EQ(text_at(fields_of(event), 0), "query ");
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
