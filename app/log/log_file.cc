#include "app/log/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>
#include <filesystem>

namespace spanbeat {
namespace {

constexpr std::string_view kExtension = ".ndjson";

std::string today() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  char text[16];
  std::strftime(text, sizeof text, "%Y%m%d", &local);
  return text;
}

// Which file of a name this is: day and number. False for other files.
bool parse_name(std::string_view file, std::string_view name, std::string& day, unsigned& number) {
  if (file.size() < name.size() + 9 + kExtension.size() || file.substr(0, name.size()) != name) return false;
  file.remove_prefix(name.size());
  if (file[0] != '-' || file.substr(file.size() - kExtension.size()) != kExtension) return false;
  file = file.substr(1, file.size() - 1 - kExtension.size());
  if (file.size() < 8 || file.find_first_not_of("0123456789-") != std::string_view::npos) return false;
  day = std::string(file.substr(0, 8));
  number = 0;
  if (file.size() == 8) return true;
  const auto result = std::from_chars(file.data() + 9, file.data() + file.size(), number);
  return file[8] == '-' && result.ec == std::errc{} && result.ptr == file.data() + file.size();
}

}  // namespace

LogFile::~LogFile() {
  if (file_ >= 0) ::close(file_);
}

bool LogFile::open(std::string& problem) {
  std::error_code error;
  std::filesystem::create_directories(options_.directory, error);
  return open_next(options_.rotate_on_startup, problem);
}

bool LogFile::open_next(bool fresh, std::string& problem) {
  if (file_ >= 0) ::close(file_);
  file_ = -1;
  day_ = today();
  // The highest number of the day that is taken.
  int last = -1;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(options_.directory, error)) {
    std::string day;
    unsigned number = 0;
    if (parse_name(entry.path().filename().string(), options_.name, day, number) && day == day_) {
      last = std::max(last, static_cast<int>(number));
    }
  }
  const int number = last < 0 ? 0 : fresh ? last + 1 : last;
  const std::string name =
      options_.name + "-" + day_ + (number == 0 ? "" : "-" + std::to_string(number)) + std::string(kExtension);
  const std::string path = std::filesystem::path(options_.directory) / name;
  file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, options_.permissions);
  if (file_ < 0) {
    problem = "open " + path + ": " + std::strerror(errno);
    return false;
  }
  ::fchmod(file_, options_.permissions);
  struct stat info{};
  written_ = ::fstat(file_, &info) == 0 ? info.st_size : 0;
  remove_old();
  return true;
}

void LogFile::remove_old() const {
  std::vector<std::pair<std::pair<std::string, unsigned>, std::filesystem::path>> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(options_.directory, error)) {
    std::string day;
    unsigned number = 0;
    if (parse_name(entry.path().filename().string(), options_.name, day, number))
      files.emplace_back(std::pair(day, number), entry.path());
  }
  std::sort(files.begin(), files.end());
  const auto keep = static_cast<std::size_t>(options_.keep_files);
  for (std::size_t i = 0; i + keep < files.size(); ++i) std::filesystem::remove(files[i].second, error);
}

void LogFile::sink_it_(const spdlog::details::log_msg& message) {
  const auto size = static_cast<std::int64_t>(message.payload.size()) + 1;
  std::string problem;
  if (day_ != today() || (written_ != 0 && written_ + size > options_.rotate_bytes))
    (void)open_next(day_ == today(), problem);
  if (file_ < 0) return;
  std::string line(message.payload.data(), message.payload.size());
  line.push_back('\n');
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t count = ::write(file_, rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;  // a log that cannot be written must not stop the program
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  written_ += size;
}

}  // namespace spanbeat
