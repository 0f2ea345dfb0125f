"""scripts/nic on a made-up /sys, where a thread does what the kernel does when its files are written."""
import os
import shutil
import subprocess
import tempfile
import threading
import unittest

NIC = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "scripts", "nic")
CARD = "0000:3b:00.0"


class Kernel:
    """A root with one NIC. Files that the kernel acts upon are watched; use with `with`."""

    def __init__(self, driver="ixgbe", iommu=True, most_pages=10 ** 6):
        self.root = tempfile.mkdtemp(prefix="spanbeat-nic-")
        self.most_pages = most_pages
        self.takes_vfio = True
        for name in ("ixgbe", "vfio-pci", "mlx5_core"):
            for file in ("bind", "unbind"):
                self.write("sys/bus/pci/drivers/%s/%s" % (name, file), "")
        self.write("sys/bus/pci/drivers_probe", "")
        self.device = "sys/bus/pci/devices/" + CARD
        for file, text in (("class", "0x020000\n"), ("driver_override", ""), ("numa_node", "0\n")):
            self.write(self.device + "/" + file, text)
        if driver:
            self.attach(driver)
        self.write("sys/class/net/eth7/operstate", "up\n")
        os.symlink("../../../bus/pci/devices/" + CARD, self.path("sys/class/net/eth7/device"))
        os.makedirs(self.path("sys/class/iommu" + ("/dmar0" if iommu else "")))
        self.write("sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "N\n")
        self.pages = "sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
        self.node_pages = "sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages"
        for file in (self.pages, self.node_pages):
            self.write(file, "7\n")
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.act)

    def path(self, name):
        return os.path.join(self.root, name)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="ascii") as f:
            f.write(text)

    def read(self, name):
        with open(self.path(name), encoding="ascii") as f:
            return f.read().strip()

    def attach(self, driver):
        os.symlink("../../drivers/" + driver, self.path(self.device + "/driver"))

    def driver(self):
        link = self.path(self.device + "/driver")
        return os.path.basename(os.readlink(link)) if os.path.islink(link) else ""

    def act(self):
        while not self.done.wait(0.002):
            driver = self.driver()
            if driver and self.read("sys/bus/pci/drivers/%s/unbind" % driver) == CARD:
                os.unlink(self.path(self.device + "/driver"))
                self.write("sys/bus/pci/drivers/%s/unbind" % driver, "")
            elif not driver and self.read("sys/bus/pci/drivers_probe") == CARD:
                wanted = self.read(self.device + "/driver_override")
                if wanted and (wanted != "vfio-pci" or self.takes_vfio):
                    self.attach(wanted)
                self.write("sys/bus/pci/drivers_probe", "")

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()
        shutil.rmtree(self.root)

    def nic(self, *words, status=0):
        ran = subprocess.run([NIC, "--root", self.root, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             timeout=60, check=False)
        text = ran.stdout.decode()
        if ran.returncode != status:
            raise AssertionError("%s ended with %d: %s" % (words, ran.returncode, text))
        return text

    def left(self):
        state = self.path("run/spanbeat-nic")
        return sorted(os.listdir(state)) if os.path.isdir(state) else []


class Nic(unittest.TestCase):
    def test_a_nic_is_bound_and_given_back(self):
        for name in (CARD, "3b:00.0", "eth7"):
            with self.subTest(name=name), Kernel() as kernel:
                self.assertIn("ixgbe -> vfio-pci", kernel.nic("bind", name))
                self.assertEqual(kernel.driver(), "vfio-pci")
                self.assertIn("already", kernel.nic("bind", name))
                self.assertIn("to undo: driver-%s was ixgbe" % CARD, kernel.nic("status"))
                self.assertIn("vfio-pci -> ixgbe", kernel.nic("unbind", name))
                self.assertEqual(kernel.driver(), "ixgbe")
                self.assertEqual(kernel.read(kernel.device + "/driver_override"), "")
                self.assertEqual(kernel.left(), [])

    def test_a_nic_without_a_driver_has_none_again(self):
        with Kernel(driver="") as kernel:
            kernel.nic("bind", CARD)
            self.assertEqual(kernel.driver(), "vfio-pci")
            kernel.nic("undo")
            self.assertIn(kernel.driver(), ("", "vfio-pci"))  # the kernel's thread may not have come to it yet
            self.assertEqual(kernel.left(), [])

    def test_a_nic_that_vfio_does_not_take_goes_back(self):
        with Kernel() as kernel:
            kernel.takes_vfio = False
            self.assertIn("given back", kernel.nic("bind", CARD, status=1))
            self.assertEqual(kernel.driver(), "ixgbe")
            self.assertEqual(kernel.left(), [])

    def test_without_an_iommu_it_wants_to_be_told(self):
        with Kernel(iommu=False) as kernel:
            self.assertIn("intel_iommu=on", kernel.nic("bind", CARD, status=1))
            self.assertEqual(kernel.driver(), "ixgbe")
            kernel.nic("bind", "--no-iommu", CARD)
            self.assertEqual(kernel.read("sys/module/vfio/parameters/enable_unsafe_noiommu_mode"), "Y")
            kernel.nic("undo")
            self.assertEqual(kernel.read("sys/module/vfio/parameters/enable_unsafe_noiommu_mode"), "N")
            self.assertEqual(kernel.driver(), "ixgbe")

    def test_huge_pages_are_reserved_and_released(self):
        with Kernel() as kernel:
            self.assertIn("7 -> 512", kernel.nic("hugepages", "512"))
            self.assertIn("7 -> 600", kernel.nic("hugepages", "600"))
            kernel.nic("hugepages", "100", "--node", "1")
            self.assertEqual((kernel.read(kernel.pages), kernel.read(kernel.node_pages)), ("600", "100"))
            kernel.nic("release")
            self.assertEqual((kernel.read(kernel.pages), kernel.read(kernel.node_pages)), ("7", "7"))
            self.assertEqual(kernel.left(), [])

    def test_undo_undoes_all(self):
        with Kernel() as kernel:
            kernel.nic("bind", CARD)
            kernel.nic("hugepages", "512")
            kernel.nic("undo")
            self.assertEqual((kernel.driver(), kernel.read(kernel.pages)), ("ixgbe", "7"))
            self.assertFalse(os.path.exists(kernel.path("run/spanbeat-nic")))
            kernel.nic("undo")

    def test_what_cannot_be_done_is_refused(self):
        with Kernel(driver="mlx5_core") as kernel:
            self.assertIn("needs no binding", kernel.nic("bind", CARD, status=1))
            self.assertIn("lspci", kernel.nic("bind", "0000:99:00.0", status=1))
            self.assertIn("neither a PCI address", kernel.nic("bind", "eth9", status=1))
            self.assertIn("not bound by this script", kernel.nic("unbind", CARD, status=1))
            self.assertIn("no number", kernel.nic("hugepages", "many", status=1))
            self.assertIn("no huge pages of 4 kB", kernel.nic("hugepages", "5", "--size", "4", status=1))
            self.assertIn("usage", kernel.nic(status=1))
            self.assertEqual(kernel.driver(), "mlx5_core")
            self.assertEqual(kernel.left(), [])


if __name__ == "__main__":
    unittest.main()
