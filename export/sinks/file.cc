#include "export/sinks/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <ctime>
#include <tuple>

#include "export/sinks/output.h"

namespace spanbeat {
namespace {

constexpr std::string_view kExtension = ".ndjson";

std::tm local_parts(Time wall) {
  const std::time_t moment = static_cast<std::time_t>(wall / kSecond);
  std::tm parts{};
  (void)localtime_r(&moment, &parts);
  return parts;
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Who may write the files may also enter and list their folder.
mode_t folder_mode(std::uint32_t permissions) {
  mode_t mode = 0700;
  if ((permissions & 0070) != 0) mode |= 0050;
  if ((permissions & 0007) != 0) mode |= 0005;
  return mode;
}

bool make_folders(const std::string& path, mode_t mode) {
  for (std::size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) {
    if (mkdir(path.substr(0, at).c_str(), mode) != 0 && errno != EEXIST) return false;
  }
  return mkdir(path.c_str(), mode) == 0 || errno == EEXIST;
}

}  // namespace

FileSink::FileSink(FileOptions options, Clock& clock) : WritingSink(clock), options_(std::move(options)) {
  // A file-size limit (ulimit -f) is an error as a full disk is, and ends nobody.
  (void)std::signal(SIGXFSZ, SIG_IGN);
  if (options_.path.empty()) options_.path = ".";
}

FileSink::~FileSink() { FileSink::close_medium(); }

bool FileSink::prepare() {
  return make_folders(options_.path, folder_mode(options_.permissions)) &&
         access(options_.path.c_str(), W_OK | X_OK) == 0;
}

std::vector<FileSink::Existing> FileSink::existing() const {
  std::vector<Existing> files;
  DIR* const folder = opendir(options_.path.c_str());
  if (folder == nullptr) return files;
  const std::string prefix = options_.filename + "-";
  while (const dirent* entry = readdir(folder)) {
    // NAME-YYYYMMDD.ndjson or NAME-YYYYMMDD-N.ndjson, and nothing else: other files of the folder are not ours.
    std::string_view rest = entry->d_name;
    if (!rest.starts_with(prefix) || !rest.ends_with(kExtension)) continue;
    rest = rest.substr(prefix.size(),
                       rest.size() - prefix.size() - std::min(rest.size() - prefix.size(), kExtension.size()));
    const std::string_view date = rest.substr(0, 8);
    if (date.size() != 8 || !all_digits(date)) continue;
    std::uint64_t number = 0;
    if (rest.size() > 8) {
      const std::string_view digits = rest.substr(9);
      if (rest[8] != '-' || digits.size() > 18 || !all_digits(digits)) continue;
      (void)std::from_chars(digits.data(), digits.data() + digits.size(), number);
    }
    files.push_back({entry->d_name, std::string(date), number});
  }
  (void)closedir(folder);
  std::sort(files.begin(), files.end(), [](const Existing& left, const Existing& right) {
    return std::tie(left.date, left.number) < std::tie(right.date, right.number);
  });
  return files;
}

// Opens the next file, or goes on with the newest one. False, and nothing has changed, when that is impossible now.
bool FileSink::open_file(bool anew) {
  const auto files = existing();
  std::string name;
  if (!anew && !files.empty()) {
    name = files.back().name;
  } else {
    const std::tm parts = local_parts(clock_.wall());
    char date[16];
    const std::size_t size = std::strftime(date, sizeof date, "%Y%m%d", &parts);
    name = options_.filename + "-" + std::string(date, size);
    const auto newest = std::find_if(files.rbegin(), files.rend(),
                                     [&](const Existing& file) { return file.date == std::string_view(date, size); });
    if (newest != files.rend()) name += "-" + std::to_string(newest->number + 1);
    name += kExtension;
  }
  const std::string path = options_.path + "/" + name;
  const int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | (anew ? O_EXCL : 0);
  const int opened = open(path.c_str(), flags, static_cast<mode_t>(options_.permissions));
  if (opened < 0) return false;
  struct stat status{};
  if (fstat(opened, &status) != 0) {
    (void)::close(opened);
    return false;
  }
  // The mask of the process does not decide what was asked for.
  if (status.st_size == 0 && S_ISREG(status.st_mode)) (void)fchmod(opened, static_cast<mode_t>(options_.permissions));
  close_medium();
  descriptor_ = opened;
  current_ = path;
  size_ = static_cast<std::uint64_t>(status.st_size);
  room_.begin(descriptor_, options_.rotate_every_bytes);
  interval_ = interval_of(clock_.wall());
  remove_oldest();
  return true;
}

void FileSink::remove_oldest() {
  const auto files = existing();
  std::size_t left = files.size();
  for (const Existing& file : files) {
    if (left <= options_.number_of_files) return;
    const std::string path = options_.path + "/" + file.name;
    if (path == current_) continue;
    if (unlink(path.c_str()) == 0) --left;
  }
}

// Intervals are counted on the local clock, so that a day's begins at midnight.
Time FileSink::interval_of(Time wall) const {
  if (options_.rotate_interval <= 0) return 0;
  return (wall + static_cast<Time>(local_parts(wall).tm_gmtoff) * kSecond) / options_.rotate_interval;
}

WritingSink::Written FileSink::write(const Batch& batch, std::size_t offset, std::size_t document) {
  if (descriptor_ < 0 && !open_file(options_.rotate_on_startup)) {
    // The folder may have gone, or never have been there.
    if (errno != ENOENT || !prepare() || !open_file(options_.rotate_on_startup)) return Written::failed();
  }
  const auto& documents = batch.documents;
  const bool between = documents[document].offset == offset;
  if (between && size_ != 0) {
    const bool too_large = size_ + documents[document].size > options_.rotate_every_bytes;
    const bool too_old = options_.rotate_interval > 0 && interval_of(clock_.wall()) != interval_;
    if ((too_large || too_old) && !open_file(true)) return Written::failed();
  }
  // As many whole documents as the file may still hold, but at least the one that is due.
  std::size_t end = documents[document].offset + documents[document].size;
  for (std::size_t next = document + 1; next < documents.size(); ++next) {
    const std::size_t after = documents[next].offset + documents[next].size;
    if (size_ + (after - offset) > options_.rotate_every_bytes) break;
    end = after;
  }
  room_.before_write(size_, size_ + (end - offset));
  while (true) {
    const ssize_t written = ::write(descriptor_, batch.text.data() + offset, end - offset);
    if (written > 0) {
      size_ += static_cast<std::uint64_t>(written);
      if (!reached_the_disk()) {
        take_back(static_cast<std::size_t>(written));
        return Written::failed();
      }
      return Written::some(static_cast<std::size_t>(written));
    }
    if (written < 0 && errno == EINTR) continue;
    return Written::failed();
  }
}

bool FileSink::reached_the_disk() const { return !options_.durable || fdatasync(descriptor_) == 0; }

void FileSink::take_back(std::size_t octets) {
  if (descriptor_ < 0 || octets > size_) return;
  if (ftruncate(descriptor_, static_cast<off_t>(size_ - octets)) == 0) size_ -= octets;
}

void FileSink::close_medium() {
  if (descriptor_ < 0) return;
  room_.give_back(size_);
  (void)::close(descriptor_);
  descriptor_ = -1;
}

namespace {

void read_permissions(SettingReader& reader, std::uint32_t& permissions) {
  const Setting* given = reader.raw("permissions");
  if (given == nullptr) return;
  std::int64_t number = -1;
  if (given->kind() == Setting::Kind::integer) {
    number = given->integer();
  } else if (given->is_string()) {
    const std::string& digits = given->string();
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), number, 8);
    if (result.ec != std::errc{} || result.ptr != digits.data() + digits.size()) number = -1;
  }
  if (number < 0 || number > 0777) {
    reader.diagnostics().error(*given, reader.key("permissions"),
                               given->describe() + " are no permissions; write an octal number such as 0600");
  } else {
    permissions = static_cast<std::uint32_t>(number);
  }
}

}  // namespace

FileOptions read_file_options(SettingReader& reader, FileOptions options) {
  reader.read("path", options.path);
  if (options.path.empty()) {
    reader.diagnostics().error(*reader.section(), reader.key("path"), "missing; name the folder for the files");
  }
  reader.read("filename", options.filename);
  if (options.filename.empty() || options.filename.find('/') != std::string::npos) {
    reader.diagnostics().error(*reader.section(), reader.key("filename"), "must be a name without '/'");
  }
  std::int64_t kilobytes = 10240;
  reader.read("rotate_every_kb", kilobytes, 1, std::int64_t{1} << 40);
  options.rotate_every_bytes = static_cast<std::uint64_t>(kilobytes) << 10;
  std::int64_t files = 7;
  reader.read("number_of_files", files, 2, 1024);
  options.number_of_files = static_cast<std::size_t>(files);
  read_permissions(reader, options.permissions);
  reader.read("rotate_on_startup", options.rotate_on_startup);
  reader.read_duration("rotate_interval", options.rotate_interval);
  if (options.rotate_interval != 0 && options.rotate_interval < kSecond) {
    reader.diagnostics().error(*reader.raw("rotate_interval"), reader.key("rotate_interval"),
                               "must be at least 1s, or 0 for no rotation by time");
  }
  return options;
}

void read_file_output(OutputSettings& settings, OutputConfig& config) {
  config.codec = read_codec(settings.reader);
  config.make = [options = read_file_options(settings.reader)](std::string& problem,
                                                               Clock& clock) -> std::unique_ptr<Sink> {
    auto sink = std::make_unique<FileSink>(options, clock);
    if (sink->prepare()) return sink;
    problem = "output.file.path: cannot write to " + options.path + ": " + std::strerror(errno);
    return nullptr;
  };
}

}  // namespace spanbeat
