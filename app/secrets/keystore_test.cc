// The keystore: what is written is read back, files of others are read too, and what is wrong is told.
#include "app/secrets/keystore.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace spanbeat {
namespace {

// Made by another implementation of the same format: ES_PASSWORD and a.b.
constexpr const char* kForeign =
    "v1AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+PwABAgMEBQYHCAkKC1P87to34Je/"
    "Wjd+KdH0dJ8YNVsPMKFADVVGdj6yESDfLL6hdLHN8BKVfByGKYjhbbPrtt+xavDIx5DbIsNtTcfdP4bNQiG3RxxSKYeHUaJLKb+XL4sEraY=";

class Keystores : public ::testing::Test {
 protected:
  Keystores() {
    char name[] = "/tmp/spanbeat-keystore-XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string file(const std::string& text, mode_t mode = 0600) {
    const std::string path = folder_ + "/data/packetbeat.keystore";
    std::filesystem::create_directories(folder_ + "/data");
    std::ofstream(path, std::ios::binary) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }
  std::string folder_;
  std::string problem_;
};

TEST_F(Keystores, WhatIsSavedIsLoaded) {
  Keystore one(folder_ + "/new/k");
  EXPECT_FALSE(one.exists());
  ASSERT_TRUE(one.load(problem_)) << "none is an empty one";
  one.secrets()["A"] = "p\xc3\xa4ss \"\\\n\x01";
  one.secrets()["odd \"name\\"] = std::string("\0x", 2);
  ASSERT_TRUE(one.save(problem_)) << problem_;
  struct stat info{};
  ASSERT_EQ(::stat(one.path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  std::ifstream written(one.path());
  const std::string text((std::istreambuf_iterator<char>(written)), {});
  EXPECT_EQ(text.find("odd"), std::string::npos) << "names are secret too";
  Keystore other(one.path());
  ASSERT_TRUE(other.load(problem_)) << problem_;
  EXPECT_EQ(other.secrets(), one.secrets());
}

TEST_F(Keystores, PacketbeatsFileIsRead) {
  Keystore keystore(file(kForeign));
  ASSERT_TRUE(keystore.load(problem_)) << problem_;
  EXPECT_EQ(keystore.secrets().at("ES_PASSWORD"), "s3cr3t:\xc3\xa4");
  EXPECT_EQ(keystore.secrets().at("a.b"), "0123");
}

TEST_F(Keystores, DamageIsTold) {
  const std::string good = kForeign;
  for (std::size_t i = 0; i < good.size(); i += 7) {
    std::string bad = good;
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    Keystore keystore(file(bad));
    EXPECT_FALSE(keystore.load(problem_)) << i;
    EXPECT_TRUE(keystore.secrets().empty());
  }
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{90}, good.size() - 4}) {
    Keystore keystore(file(good.substr(0, size)));
    EXPECT_FALSE(keystore.load(problem_)) << size;
    EXPECT_NE(problem_.find("packetbeat.keystore"), std::string::npos);
  }
}

TEST_F(Keystores, OthersMayNotReadIt) {
  Keystore keystore(file(kForeign, 0640));
  EXPECT_FALSE(keystore.load(problem_));
  EXPECT_NE(problem_.find("chmod 600"), std::string::npos);
}

}  // namespace
}  // namespace spanbeat
