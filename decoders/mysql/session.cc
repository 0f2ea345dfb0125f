#include "decoders/mysql/session.h"

namespace spanbeat::mysql {

ParkedSessions::Key ParkedSessions::key_of(const Endpoints& ends) {
  // The same whichever end was seen first.
  if (std::pair(ends.originator.octets, ends.originator_port) < std::pair(ends.responder.octets, ends.responder_port)) {
    return {{ends.originator, ends.responder}, {ends.originator_port, ends.responder_port}};
  }
  return {{ends.responder, ends.originator}, {ends.responder_port, ends.originator_port}};
}

std::size_t ParkedSessions::KeyHash::operator()(const Key& key) const {
  char octets[36];
  std::memcpy(octets, key.addresses[0].octets.data(), 16);
  std::memcpy(octets + 16, key.addresses[1].octets.data(), 16);
  std::memcpy(octets + 32, key.ports, sizeof key.ports);
  return std::hash<std::string_view>()({octets, sizeof octets});
}

void ParkedSessions::drop(std::list<Parked>::iterator parked) {
  octets_ -= parked->octets;
  index_.erase(parked->key);
  parked_.erase(parked);
}

void ParkedSessions::park(const Endpoints& ends, Session& session, Time now, std::int64_t timeout) {
  if (!session.capabilities_known && !session.compressed && session.statements.empty()) return;
  const Key key = key_of(ends);
  if (const auto old = index_.find(key); old != index_.end()) drop(old->second);
  Parked parked{key,
                now,
                session.capabilities,
                session.capabilities_known,
                session.compressed,
                session.eof_packets,
                sizeof(Parked) + 64,
                {}};
  for (Statement* each = session.statements.oldest(); each != nullptr; each = each->newer) {
    std::string types;
    if (each->has_types) types.assign(reinterpret_cast<const char*>(each->types()), std::size_t{2} * each->parameters);
    parked.octets += sizeof(ParkedStatement) + each->text_size + types.size();
    parked.statements.push_back(
        {each->key, each->parameters, each->since, each->has_types, std::string(each->text()), std::move(types)});
  }
  octets_ += parked.octets;
  parked_.push_back(std::move(parked));
  index_[key] = std::prev(parked_.end());
  while (parked_.size() > kMost || octets_ > kMostOctets ||
         (!parked_.empty() && now - parked_.front().since > timeout)) {
    drop(parked_.begin());
  }
}

bool ParkedSessions::resume(const Endpoints& ends, Session& session, Time now, std::int64_t timeout, EventArena& arena,
                            Counters& counters) {
  const auto found = index_.find(key_of(ends));
  if (found == index_.end()) return false;
  const Parked& parked = *found->second;
  session.capabilities = parked.capabilities;
  session.capabilities_known = parked.capabilities_known;
  session.compressed = parked.compressed;
  session.eof_packets = parked.eof_packets;
  for (const ParkedStatement& each : parked.statements) {
    if (now - each.since > timeout) continue;
    Statement* statement = session.statements.add(arena, each.id, each.text, each.parameters, each.since, counters);
    if (statement == nullptr) continue;
    statement->has_types = each.has_types;
    if (each.has_types) std::memcpy(statement->types(), each.types.data(), each.types.size());
  }
  drop(found->second);
  return true;
}

}  // namespace spanbeat::mysql
