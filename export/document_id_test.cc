// Ids that are made of documents' own texts.
#include "export/document_id.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace spanbeat {
namespace {

std::string document(const std::string& rest) {
  return "{\"@metadata\":{\"_id\":\"" + std::string(DocumentIds::kNone) + "\"},\"message\":\"" + rest + "\"}";
}

std::string id_of(DocumentIds& ids, std::string text) {
  ids.stamp(text.data(), text.size());
  return text.substr(text.find("_id\":\"") + 6, DocumentIds::kNone.size());
}

TEST(DocumentIds, AreTheSameForTheSameTextInAnotherProcess) {
  DocumentIds one;
  DocumentIds other;
  const std::string id = id_of(one, document("x"));
  EXPECT_EQ(id, id_of(other, document("x")));
  EXPECT_NE(id, DocumentIds::kNone);
  EXPECT_NE(id, id_of(one, document("y")));
  EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
}

TEST(DocumentIds, TellDocumentsApartThatReadTheSame) {
  DocumentIds one;
  DocumentIds other;
  const std::string first = id_of(one, document("x"));
  const std::string second = id_of(one, document("x"));
  const std::string third = id_of(one, document("x"));
  EXPECT_NE(first, second);
  EXPECT_NE(second, third);
  (void)id_of(other, document("x"));
  EXPECT_EQ(second, id_of(other, document("x")));
}

TEST(DocumentIds, TellDocumentsApartThatComeRoundManyTimes) {
  DocumentIds ids;
  std::set<std::string> seen;
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 500; ++i) seen.insert(id_of(ids, document(std::to_string(i))));
  }
  EXPECT_EQ(seen.size(), 2000U);
}

TEST(DocumentIds, LeaveOtherTextsAlone) {
  DocumentIds ids;
  for (std::string text : {std::string(), std::string("{}"), std::string("{\"@metadata\":{\"_id\":\"mine\"}}"),
                           std::string("{\"@metadata\":{\"_id\":\"000"), std::string("{\"@timestamp\":1}")}) {
    const std::string before = text;
    ids.stamp(text.data(), text.size());
    EXPECT_EQ(text, before);
  }
}

}  // namespace
}  // namespace spanbeat
