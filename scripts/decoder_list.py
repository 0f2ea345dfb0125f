#!/usr/bin/env python3
"""Prints what decoders/registry.def means for the build, one line a protocol: FOLDER CLASS SOURCE.cc,… TEST.cc,… FUZZ.cc,…

A source is every *.cc of the folder that is no *_test.cc and no *_fuzz.cc. With --includes, writes the header that includes
every decoder.
"""
import os
import re
import sys

root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "decoders")
with open(os.path.join(root, "registry.def"), encoding="utf-8") as f:
    entries = re.findall(r"^SPANBEAT_DECODER\((\w+), (\w+)\)", f.read(), re.M)

if sys.argv[1:2] == ["--includes"]:
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        out.write("// Made by scripts/decoder_list.py from decoders/registry.def. Do not edit.\n#pragma once\n\n")
        for folder, _ in sorted(entries):
            out.write('#include "decoders/%s/%s.h"\n' % (folder, folder))
else:
    for folder, name in entries:
        files = sorted(n for n in os.listdir(os.path.join(root, folder)) if n.endswith(".cc"))
        kinds = ([n for n in files if not re.search(r"_(test|fuzz)\.cc$", n)],
                 [n for n in files if n.endswith("_test.cc")], [n for n in files if n.endswith("_fuzz.cc")])
        print(folder, name, *(",".join("%s/%s" % (folder, n) for n in k) or "-" for k in kinds))
