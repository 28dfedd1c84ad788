package drover.host;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Bytes that grow as they are written, most significant first. Lengths and numbers of things are base-128, least significant first. */
final class Out {
    private byte[] bytes;
    private int size;

    Out(int expected) {
        bytes = new byte[Math.max(16, expected)];
    }

    int size() {
        return size;
    }

    byte[] array() {
        return bytes;
    }

    private void need(int more) {
        if (bytes.length - size >= more) return;
        bytes = Arrays.copyOf(bytes, (int) Math.min(Integer.MAX_VALUE - 16L, Math.max(bytes.length * 2L, size + (long) more)));
    }

    Out byteOf(int value) {
        need(1);
        bytes[size++] = (byte) value;
        return this;
    }

    Out int16(int value) {
        need(2);
        bytes[size++] = (byte) (value >> 8);
        bytes[size++] = (byte) value;
        return this;
    }

    Out int32(int value) {
        need(4);
        for (int shift = 24; shift >= 0; shift -= 8) bytes[size++] = (byte) (value >> shift);
        return this;
    }

    Out int64(long value) {
        need(8);
        for (int shift = 56; shift >= 0; shift -= 8) bytes[size++] = (byte) (value >> shift);
        return this;
    }

    Out uint(int value) {
        need(5);
        int rest = value;
        while ((rest & ~0x7f) != 0) {
            bytes[size++] = (byte) ((rest & 0x7f) | 0x80);
            rest >>>= 7;
        }
        bytes[size++] = (byte) rest;
        return this;
    }

    Out raw(byte[] value) {
        need(value.length);
        System.arraycopy(value, 0, bytes, size, value.length);
        size += value.length;
        return this;
    }

    Out bytes(byte[] value) {
        return uint(value.length).raw(value);
    }

    Out text(String value) {
        return bytes(value.getBytes(StandardCharsets.UTF_8));
    }

    Out textOrNull(String value) {
        if (value == null) return byteOf(0);
        return byteOf(1).text(value);
    }

    Out bytesOrNull(byte[] value) {
        return value == null ? byteOf(0) : byteOf(1).bytes(value);
    }

    /** Takes back what was written from that place on. */
    void backTo(int place) {
        size = place;
    }

    void int32At(int place, int value) {
        for (int i = 0; i < 4; i++) bytes[place + i] = (byte) (value >> (24 - 8 * i));
    }
}
