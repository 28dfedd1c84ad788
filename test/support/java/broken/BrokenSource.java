package broken;

/** Its super class is taken away before it is packed. */
public class BrokenSource extends Base {}
