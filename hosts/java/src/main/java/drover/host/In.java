package drover.host;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** The counterpart of Out. */
final class In {
    private final byte[] bytes;
    private int at;

    In(byte[] bytes) {
        this.bytes = bytes;
    }

    int left() {
        return bytes.length - at;
    }

    int byteOf() {
        return bytes[at++] & 0xff;
    }

    int int16() {
        return (short) ((byteOf() << 8) | byteOf());
    }

    int int32() {
        int value = 0;
        for (int i = 0; i < 4; i++) value = (value << 8) | byteOf();
        return value;
    }

    long int64() {
        long value = 0;
        for (int i = 0; i < 8; i++) value = (value << 8) | byteOf();
        return value;
    }

    int uint() {
        int value = 0;
        for (int shift = 0; shift < 35; shift += 7) {
            int next = byteOf();
            value |= (next & 0x7f) << shift;
            if (next < 0x80) return value;
        }
        throw new IllegalStateException("A number of more than 32 bits");
    }

    byte[] bytes() {
        int length = uint();
        byte[] value = Arrays.copyOfRange(bytes, at, at + length);
        at += length;
        return value;
    }

    byte[] bytesOrNull() {
        return byteOf() == 0 ? null : bytes();
    }

    String text() {
        int length = uint();
        String value = new String(bytes, at, length, StandardCharsets.UTF_8);
        at += length;
        return value;
    }

    String textOrNull() {
        return byteOf() == 0 ? null : text();
    }
}
