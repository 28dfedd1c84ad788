package drover.host;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What repeats in a frame is written once, and named by its number after that. */
final class Texts {
    private final Map<String, Integer> numbers = new HashMap<>();
    private final List<String> texts = new ArrayList<>();

    void write(Out out, String text) {
        Integer number = numbers.putIfAbsent(text, numbers.size());
        if (number == null) out.uint(0).text(text);
        else out.uint(number + 1);
    }

    String read(In in) {
        int reference = in.uint();
        if (reference > 0) return texts.get(reference - 1);
        String text = in.text();
        texts.add(text);
        return text;
    }
}
