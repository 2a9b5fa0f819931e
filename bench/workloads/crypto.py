"""One OpenSSL algorithm over a number of 64 KiB blocks: crypto.py ALGORITHM BLOCKS. Prints the digest or tag."""
import ctypes
import sys

BLOCK = 65536
GET_TAG = 0x10  # EVP_CTRL_AEAD_GET_TAG

name, blocks = sys.argv[1].encode(), int(sys.argv[2])
crypto = ctypes.CDLL("libcrypto.so.3")
for function in ("EVP_MD_CTX_new", "EVP_CIPHER_CTX_new", "EVP_CIPHER_fetch", "EVP_MD_fetch"):
    getattr(crypto, function).restype = ctypes.c_void_p


def checked(result):
    if result != 1:
        sys.exit("OpenSSL refused an operation")


data = ctypes.create_string_buffer(bytes(i * 7 & 0xFF for i in range(BLOCK)), BLOCK)
out = ctypes.create_string_buffer(BLOCK + 32)
length = ctypes.c_int()
digest = crypto.EVP_MD_fetch(None, name, None)
if digest:
    context = ctypes.c_void_p(crypto.EVP_MD_CTX_new())
    checked(crypto.EVP_DigestInit_ex(context, ctypes.c_void_p(digest), None))
    for _ in range(blocks):
        checked(crypto.EVP_DigestUpdate(context, data, ctypes.c_size_t(BLOCK)))
    checked(crypto.EVP_DigestFinal_ex(context, out, ctypes.byref(length)))
else:
    cipher = crypto.EVP_CIPHER_fetch(None, name, None)
    if not cipher:
        sys.exit(f"OpenSSL has no {sys.argv[1]}")
    context = ctypes.c_void_p(crypto.EVP_CIPHER_CTX_new())
    checked(crypto.EVP_EncryptInit_ex(context, ctypes.c_void_p(cipher), None, bytes(range(32)), bytes(12)))
    for _ in range(blocks):
        checked(crypto.EVP_EncryptUpdate(context, out, ctypes.byref(length), data, BLOCK))
    checked(crypto.EVP_EncryptFinal_ex(context, out, ctypes.byref(length)))
    length.value = 16
    checked(crypto.EVP_CIPHER_CTX_ctrl(context, GET_TAG, 16, out))
print(sys.argv[1], out.raw[:length.value].hex())
