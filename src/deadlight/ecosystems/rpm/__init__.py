"""rpm's package database without rpm: three containers of header blobs, the headers, and the order of versions."""
