#include "dataplane/stream/decoder.h"

namespace spanbeat {

Event Context::event(Direction from) {
  Event made(*arena_);
  EventHeader& header = made.header();
  const Endpoints& ends = *endpoints_;
  header.protocol = protocol_;
  header.transport = ends.transport;
  if (from == Direction::originator) {
    header.source = ends.originator;
    header.destination = ends.responder;
    header.source_port = ends.originator_port;
    header.destination_port = ends.responder_port;
  } else {
    header.source = ends.responder;
    header.destination = ends.originator;
    header.source_port = ends.responder_port;
    header.destination_port = ends.originator_port;
  }
  header.community_id_is = community_id(header.community_id);
  return made;
}

}  // namespace spanbeat
