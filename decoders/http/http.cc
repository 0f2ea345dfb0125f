#include "decoders/http/http.h"
