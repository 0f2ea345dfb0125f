#include "decoders/icmp/icmp.h"
