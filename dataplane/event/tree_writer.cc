#include "dataplane/event/tree_writer.h"

namespace spanbeat {

TreeWriter::~TreeWriter() {
  if (event_.record_ == nullptr) return;
  while (depth_ > 0) end();
  auto& record = *event_.record_;
  if (!failed_) {
    record.begins()[entry_ + 1] = record.used;
  } else if (record.header.entries > entry_) {
    record.header.entries = entry_;
    record.used = record.begins()[entry_];
  }
}

// Beyond the deepest level a null stands for the container, and what is in it is skipped.
bool TreeWriter::too_deep() {
  if (skipped_ == 0 && depth_ < kMaxDepth) return false;
  if (skipped_ == 0) null();
  ++skipped_;
  return true;
}

void TreeWriter::open(TreeTag tag) {
  if (too_deep()) return;
  std::uint8_t* to = value_room(tag, kLength);
  if (to == nullptr) return;
  open_[static_cast<std::size_t>(depth_)] = {static_cast<std::uint32_t>(to - event_.record_->base()), 0};
  ++depth_;
}

void TreeWriter::end() {
  if (skipped_ > 0) {
    --skipped_;
  } else if (depth_ > 0) {
    --depth_;
    const Open& closed = open_[static_cast<std::size_t>(depth_)];
    if (!failed_) {
      std::memcpy(event_.record_->base() + closed.place, &closed.count, sizeof closed.count);
    }
  }
}

}  // namespace spanbeat
