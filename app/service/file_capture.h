// What every capture from files tells: damage, and that nothing could be read.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "app/service/capture.h"
#include "dataplane/source/capture_file.h"

namespace spanbeat {

class FileCapture : public Capture {
 public:
  explicit FileCapture(std::unique_ptr<CaptureFileSource> files) : files_(std::move(files)) {}
  std::vector<Source*> sources() override { return {files_.get()}; }
  [[nodiscard]] std::string kind() const override { return "file"; }
  std::vector<std::string> take_remarks() final {
    std::vector<std::string> lines;
    for (const CaptureWarning& warning : files_->take_warnings()) lines.push_back(warning.text());
    return lines;
  }
  [[nodiscard]] std::string failure() const final {
    const absl::Status read = files_->result();
    return read.ok() ? std::string() : std::string(read.message());
  }

 private:
  std::unique_ptr<CaptureFileSource> files_;
};

}  // namespace spanbeat
