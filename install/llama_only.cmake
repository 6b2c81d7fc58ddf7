# Read by CMake as llama.cpp's project begins: only the libraries that llama-cpp-python loads are compiled.
# llama-cpp-python's own build asks for the command-line helpers (llama-common and an HTTP library), but uses neither.
set(LLAMA_BUILD_COMMON OFF)
