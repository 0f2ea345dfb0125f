// The program's own directory: path.data with meta.json (who this instance is) and the lock.
//
// What:   makes the directory, takes packetbeat.lock and writes this process's number into it, reads or makes
// meta.json. Why:    agent.id stays the same over restarts, and two instances do not share one directory. Limits: the
// lock is flock(2): it ends with the process, however that ends. Without a directory that can be written,
//         reading files goes on with an id made of the host's name; see `Identity::id`.
#pragma once

#include <string>

namespace spanbeat {

class DataDirectory {
 public:
  DataDirectory() = default;
  ~DataDirectory();
  DataDirectory(const DataDirectory&) = delete;
  DataDirectory& operator=(const DataDirectory&) = delete;

  // Makes the directory and takes the lock. False, with `problem`: `locked` when another instance has it.
  bool open(const std::string& path, std::string& problem, bool& locked);
  // The uuid of meta.json, made when there is none. Empty, with `problem`, when it can be neither read nor written.
  [[nodiscard]] std::string agent_id(std::string& problem);

 private:
  std::string path_;
  int lock_ = -1;
};

// A random uuid (RFC 4122 version 4).
[[nodiscard]] std::string random_uuid();
// The uuid of `name` in the name space of another uuid (RFC 4122 version 5): the same for the same input.
[[nodiscard]] std::string named_uuid(const std::string& space, const std::string& name);

}  // namespace spanbeat
